"""A piece of a text that says something, with where it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Found:
    """A value and the characters of the text that it was read from."""

    value: str
    start: int
    end: int

    def as_json(self, text: str) -> dict[str, Any]:
        """Give value, span and the piece of text itself."""
        return {
            "value": self.value,
            "start": self.start,
            "end": self.end,
            "text": text[self.start : self.end],
        }


def overlaps(one: Found, others: Iterable[Found]) -> bool:
    """Say whether a piece shares characters with any other."""
    return any(one.start < each.end and each.start < one.end for each in others)


def distinct(found: Iterable[Found]) -> list[Found]:
    """Keep the first of equal values, in the order of the text."""
    kept: dict[str, Found] = {}
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        kept.setdefault(each.value, each)
    return list(kept.values())
