"""`python -m tests.bench.matching`: how right and how fast rows are matched."""

from __future__ import annotations

import json
import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

from leads.linking.finding import find_matches
from leads.linking.profiles import make_profile
from tests.bench.businesses import Row, make_rows

#: What of a row is shown to the matcher.
VIEWS = {
    "all fields": (),
    "without website": ("website",),
    "without website and phone": ("website", "phone"),
}
#: Seeds on which no rule was tuned.
HELD_OUT = (910_001, 910_002, 910_003)


class Score(NamedTuple):
    """How right clusters are, by pairs of rows."""

    precision: float
    recall: float
    f1: float


def pairwise_f1(truth: Sequence[object], clusters: Sequence[Sequence[int]]) -> Score:
    """Compare clusters with the truth by the pairs of rows that they join."""
    wanted = sum(_pairs(count) for count in Counter(truth).values())
    found = sum(_pairs(len(members)) for members in clusters)
    right = sum(
        _pairs(count)
        for members in clusters
        for count in Counter(truth[index] for index in members).values()
    )
    precision = right / found if found else 1.0
    recall = right / wanted if wanted else 1.0
    both = precision + recall
    return Score(precision, recall, 2 * precision * recall / both if both else 0.0)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


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


def main() -> None:
    """Print one JSON line per list and view, and the peak memory."""
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
