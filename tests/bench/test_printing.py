from __future__ import annotations

import json

from tests.bench.measuring import Comparison, Series, Target
from tests.bench.printing import as_json, table

COMPARISON = Comparison(
    "enqueue",
    "tasks/s",
    Series("ours", (1500.0, 1000.0, 2000.0)),
    (Series("plain", (1000.0, 1000.0, 1000.0)),),
    (Target(1.0, "at least", "plain"), Target(1000.0, "under")),
    "a word on it",
)


def test_the_table_shows_figures_ratios_and_promises():
    lines = table([COMPARISON]).splitlines()
    assert lines[0].split() == [
        *("benchmark", "who", "median", "min", "max", "unit", "ours", "÷", "this")
    ]
    assert lines[2].split() == ["enqueue", "ours", "1,500", "1,000", "2,000", "tasks/s"]
    assert lines[3].split() == ["plain", "1,000", "1,000", "1,000", "tasks/s", "1.50"]
    assert "note  enqueue: a word on it" in lines[5]
    assert "kept  enqueue: 1.50 x plain, promised at least 1 x" in lines[6]
    assert "MISSED  enqueue: 1,500 tasks/s, promised under 1000" in lines[7]


def test_columns_stand_under_each_other():
    header, _, ours, plain = table([COMPARISON]).splitlines()[:4]
    assert header.index("who") == ours.index("ours") == plain.index("plain")
    assert header.index("unit") == ours.index("tasks/s") == plain.index("tasks/s")


def test_the_json_holds_every_round_and_every_promise():
    told = json.loads(as_json([COMPARISON], {"cores": 2}))
    assert told["machine"] == {"cores": 2}
    (benchmark,) = told["benchmarks"]
    assert benchmark["ours"]["rounds"] == [1500.0, 1000.0, 2000.0]
    assert benchmark["peers"][0]["ours_divided_by_this"] == 1.5
    assert [target["is_met"] for target in benchmark["targets"]] == [True, False]
