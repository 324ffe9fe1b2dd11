"""The benchmarks of `leads`: reading pages, beside bare lxml and extruct."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.comparing import OURS, Say, Sizes, measured_rounds
from tests.bench.driving import PeerProcess
from tests.bench.measuring import Comparison, Series, Target

LXML, EXTRUCT, EXTRUCT_ALL = "bare lxml", "extruct", "extruct, all syntaxes"
#: Rows of a list, lists of a round, and pages with structured data of a round.
ROWS, LISTS, PAGES = 350, 10, 100
#: MB by which memory may grow while many pages are read.
_GROWTH_MB = 10.0
_SAVED = (
    "ours: leads, keys and facts committed in PostgreSQL with fsync; lxml: read only"
)


@contextmanager
def reader_processes(
    database_url: str, folder: Path
) -> Iterator[dict[str, PeerProcess]]:
    """Start a process for each reader."""
    ours = {
        "DJANGO_SETTINGS_MODULE": "fliptech_site.settings",
        "SECRET_KEY": "of-no-use-outside-of-this-run-" * 3,
        "DATABASE_URL": database_url,
        "VAR_DIR": str(folder / "var"),
        "LOG_LEVEL": "WARNING",
    }
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(PeerProcess(module, environment, folder / place))
            for name, module, environment, place in (
                (OURS, "tests.bench.our_leads", ours, "ours"),
                (LXML, "tests.bench.bare_lxml", {}, "lxml"),
                (EXTRUCT, "tests.bench.extruct_peer", {}, "extruct"),
            )
        }


def compare_readers(
    readers: Mapping[str, PeerProcess], *, rounds: int, pages: int, say: Say
) -> list[Comparison]:
    """Run every benchmark; memory is watched over so many `pages`."""
    sizes = Sizes(rounds=rounds)
    for name in (OURS, LXML):
        readers[name].call("read_lists", rows=ROWS, lists=2)
    return [
        *_lists(readers, sizes, say),
        _structured(readers, sizes, say),
        _memory(readers, pages, say),
    ]


def _lists(
    readers: Mapping[str, PeerProcess], sizes: Sizes, say: Say
) -> list[Comparison]:
    bare = {name: readers[name] for name in (OURS, LXML)}
    comparisons = []
    for title, method, targets, note in (
        ("list rows, read", "read_lists", (), "the same fields from the same bytes"),
        (
            "list rows, read and saved as leads",
            "save_lists",
            (Target(0.6, "at least", LXML),),
            _SAVED,
        ),
        (
            "saved page, imported",
            "import_lists",
            (),
            "ours: with the job, the frontier and a task for each lead; lxml: read only",
        ),
    ):

        def measure(name: str, method: str = method) -> float:
            called = method if name == OURS else "read_lists"
            seconds = float(readers[name].call(called, rows=ROWS, lists=LISTS))
            return ROWS * LISTS / seconds

        series = measured_rounds(title, bare, sizes, say, measure)
        comparisons.append(
            Comparison(
                title, "rows/s", series[OURS], (series[LXML],), tuple(targets), note
            )
        )
    return comparisons


def _structured(
    readers: Mapping[str, PeerProcess], sizes: Sizes, say: Say
) -> Comparison:
    def measure(name: str) -> float:
        is_all = name == EXTRUCT_ALL
        reader = readers[EXTRUCT if is_all else name]
        method = "structured_all" if is_all else "structured"
        pages = PAGES // 10 if is_all else PAGES
        return pages / float(reader.call(method, pages=pages))

    who = dict.fromkeys((OURS, EXTRUCT, EXTRUCT_ALL))
    series = measured_rounds("structured data", who, sizes, say, measure)
    return Comparison(
        "structured data",
        "pages/s",
        series[OURS],
        (series[EXTRUCT], series[EXTRUCT_ALL]),
        (Target(1.0, "at least", EXTRUCT),),
        "JSON-LD and microdata of pages of 20 kB, parsing included",
    )


def _memory(readers: Mapping[str, PeerProcess], pages: int, say: Say) -> Comparison:
    memory = readers[OURS].call("growth", pages=pages)
    say(f"memory over {pages} pages, MB: {', '.join(f'{mb:.0f}' for mb in memory)}")
    # The first tenth fills caches and the allocator's own stock.
    growth = max(memory[1:]) - memory[1]
    return Comparison(
        f"memory over {pages:,} pages",
        "MB more",
        Series(OURS, (growth,)),
        (),
        (Target(_GROWTH_MB, "under"),),
        "whole home pages read, after the first tenth of them",
    )
