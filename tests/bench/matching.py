"""`python -m tests.bench.matching`: how right and how fast rows are matched.

With `--database` the rows are leads in a PostgreSQL, matched by `manage.py leads match`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from leads.linking.finding import find_matches
from leads.linking.profiles import make_profile
from tests.bench.businesses import Row, make_rows
from tests.bench.scoring_pairs import pairwise_f1
from tests.bench.servers import ROOT, running_postgres

#: What of a row is shown to the matcher.
VIEWS = {
    "all fields": (),
    "without website": ("website",),
    "without website and phone": ("website", "phone"),
}
#: Seeds on which no rule was tuned.
HELD_OUT = (910_001, 910_002, 910_003)


def measure(rows: Sequence[Row], left_out: Sequence[str]) -> dict[str, float]:
    """Match rows without some fields; times include reading the fields."""
    began = time.perf_counter()
    profiles = [
        make_profile({k: v for k, v in asdict(row).items() if k not in left_out})
        for row in rows
    ]
    found = find_matches(profiles)
    seconds = time.perf_counter() - began
    score = pairwise_f1([row.truth for row in rows], found.clusters)
    return {
        "rows": len(rows),
        "seconds": round(seconds, 2),
        "pairs_per_row": round(found.compared / len(rows), 1),
        "precision": round(score.precision, 4),
        "recall": round(score.recall, 4),
        "f1": round(score.f1, 4),
        "review": len(found.review),
    }


def measure_in_database(businesses: int) -> None:
    """Print JSON lines about leads that are rows; what matches them does nothing else."""
    with (
        tempfile.TemporaryDirectory(prefix="fliptech-bench-") as folder,
        running_postgres(Path(folder)) as database_url,
    ):
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "SECRET_KEY": "only-for-this-run",
            "DJANGO_SETTINGS_MODULE": "fliptech_site.settings",
        }
        for part in ("fill", "match", "score"):
            subprocess.run(
                [
                    *(sys.executable, "-m", "tests.bench.matching_rows"),
                    *(part, str(businesses)),
                ],
                cwd=ROOT,
                env=environment,
                check=True,
            )


def main() -> None:
    """Print one JSON line per list and view, and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", action="store_true", help="leads that are rows")
    parser.add_argument(
        "--businesses", type=int, default=70_000, help="in the database: 1.4 rows each"
    )
    arguments = parser.parse_args()
    if arguments.database:
        measure_in_database(arguments.businesses)
        return
    for seed in HELD_OUT:
        for roughness in (1.0, 1.6):
            rows = make_rows(3_000, seed=seed, roughness=roughness)
            for view, left_out in VIEWS.items():
                figures = measure(rows, left_out)
                print(
                    json.dumps(
                        {"seed": seed, "roughness": roughness, "view": view} | figures
                    )
                )
    rows = make_rows(70_000, seed=910_004)
    for view, left_out in VIEWS.items():
        print(json.dumps({"view": view} | measure(rows, left_out)), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak_mb": round(peak)}))


if __name__ == "__main__":
    main()
