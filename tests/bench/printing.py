"""Print comparisons for people and for programs. Pure: comparisons in, text out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tests.bench.measuring import Comparison, Series, Target, paired_ratio

_HEADER = ("benchmark", "who", "median", "min", "max", "unit", "ours ÷ this")


def table(comparisons: Iterable[Comparison]) -> str:
    """Return an aligned table, then one line for each promise: kept or missed."""
    rows: list[Sequence[str]] = [_HEADER]
    verdicts = []
    for comparison in comparisons:
        rows.append(_row(comparison, comparison.ours, comparison.name, ""))
        for peer in comparison.peers:
            ratio = f"{paired_ratio(comparison.ours, peer):.2f}"
            rows.append(_row(comparison, peer, "", ratio))
        if comparison.note:
            verdicts.append(f"   note  {comparison.name}: {comparison.note}")
        verdicts += [_verdict(comparison, target) for target in comparison.targets]
    return "\n".join([*_aligned(rows), "", *verdicts])


def as_json(comparisons: Iterable[Comparison], machine: dict[str, Any]) -> str:
    """Return one JSON object with every figure, the ratios and the promises."""
    return json.dumps(
        {"machine": machine, "benchmarks": [_as_dict(one) for one in comparisons]}
    )


def _row(
    comparison: Comparison, series: Series, name: str, ratio: str
) -> Sequence[str]:
    figures = (series.median, series.low, series.high)
    return (name, series.peer, *map(_figure, figures), comparison.unit, ratio)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        # The figures and ratios stand to the right, words to the left.
        cells = [
            cell.rjust(width) if place in (2, 3, 4, 6) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return lines


def _verdict(comparison: Comparison, target: Target) -> str:
    value = comparison.judged(target)
    word = "   kept" if target.is_met(value) else " MISSED"
    if target.peer is None:
        told = f"{_figure(value)} {comparison.unit}, promised {target.kind} {target.limit:g}"
    else:
        told = f"{value:.2f} x {target.peer}, promised {target.kind} {target.limit:g} x"
    return f"{word}  {comparison.name}: {told}"


def _as_dict(comparison: Comparison) -> dict[str, Any]:
    return {
        "name": comparison.name,
        "unit": comparison.unit,
        "note": comparison.note,
        "ours": _series(comparison.ours),
        "peers": [
            {
                **_series(peer),
                "ours_divided_by_this": paired_ratio(comparison.ours, peer),
            }
            for peer in comparison.peers
        ],
        "targets": [
            {
                "peer": target.peer,
                "kind": target.kind,
                "limit": target.limit,
                "value": comparison.judged(target),
                "is_met": target.is_met(comparison.judged(target)),
            }
            for target in comparison.targets
        ],
    }


def _series(series: Series) -> dict[str, Any]:
    return {
        "who": series.peer,
        "median": series.median,
        "min": series.low,
        "max": series.high,
        "rounds": list(series.values),
    }
