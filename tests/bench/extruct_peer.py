"""extruct: structured data of pages, with the two syntaxes that ours reads and with all."""

from __future__ import annotations

import time

import extruct

from tests.bench.sample_pages import site_page


class Driver:
    """Reads structured data with extruct."""

    def structured(self, pages: int) -> float:
        """Read JSON-LD and microdata; return the seconds."""
        return self._read(pages, ["json-ld", "microdata"])

    def structured_all(self, pages: int) -> float:
        """Read with all of extruct's syntaxes, its default; return the seconds."""
        return self._read(pages, extruct.SYNTAXES)

    def _read(self, pages: int, syntaxes: list[str]) -> float:
        texts = [site_page(number).decode() for number in range(pages)]
        began = time.perf_counter()
        for text in texts:
            found = extruct.extract(text, syntaxes=syntaxes, errors="ignore")
            assert len(found["json-ld"]) == 2
        return time.perf_counter() - began
