"""The pages of a campaign with a million recipients.

`python -m tests.bench email --only page [--rows N]` measures them alone.
"""

from __future__ import annotations

from pathlib import Path

from tests.bench.comparing import OURS, Say
from tests.bench.driving import PeerProcess
from tests.bench.measuring import Comparison, Series, Target
from tests.bench.servers import running_postgres

#: Milliseconds that no page may take.
LIMIT = 200.0
CALLS = 5
PART = "page"
MODULE = "tests.bench.our_campaigns"


def environment_of(database_url: str, folder: Path) -> dict[str, str]:
    """Give what the process needs to know."""
    return {
        "DJANGO_SETTINGS_MODULE": "fliptech_site.settings",
        "SECRET_KEY": "of-no-use-outside-of-this-run-" * 3,
        "DATABASE_URL": database_url,
        "VAR_DIR": str(folder / "var"),
        "LOG_LEVEL": "WARNING",
    }


def compare_campaign_page(ours: PeerProcess, rows: int, say: Say) -> list[Comparison]:
    """Fill one campaign and ask for its pages; `say` is told what is going on."""
    took = ours.call("fill", count=rows)
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items())
    say(f"A campaign of {rows:,} recipients was made: {parts}.")
    measured: dict[str, float] = ours.call("read", calls=CALLS)
    for name, milliseconds in measured.items():
        say(f"  {name}: {milliseconds:.0f} ms")
    slowest = max(measured, key=lambda name: measured[name])
    return [
        Comparison(
            "campaign page",
            "ms",
            Series(OURS, (measured["campaign"],)),
            (),
            (Target(LIMIT, "under"),),
            f"over HTTP, with {rows:,} recipients",
        ),
        Comparison(
            "slowest of all its pages and lists",
            "ms",
            Series(OURS, (measured[slowest],)),
            (),
            (Target(LIMIT, "under"),),
            slowest,
        ),
    ]


def measure_campaign_page(folder: Path, rows: int, say: Say) -> list[Comparison]:
    """Do so on a PostgreSQL and in a process of its own."""
    place = folder / "page"
    place.mkdir()
    with (
        running_postgres(place) as database_url,
        PeerProcess(
            MODULE, environment_of(database_url, place), place / "ours"
        ) as ours,
    ):
        return compare_campaign_page(ours, rows, say)
