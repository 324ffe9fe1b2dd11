"""Find the same businesses in a file: which of its rows belong together, and why."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fliptech_site.errors import InvalidInput
from leads.linking.collecting import without_collecting
from leads.linking.finding import Likeness, Matches, find_matches
from leads.linking.profiles import COMPARED_FIELDS, Profile, make_profile
from leads.outcomes import Outcome
from leads.tables.base import BadRow, Row, Table
from leads.tables.mapping import Columns, map_columns, parse_map
from leads.tables.opening import open_table
from leads.tables.picking import make_picker

#: Rows from whose contents columns are guessed.
SAMPLE_ROWS = 200
#: Rows of one file that are matched in memory; each takes about 2 kB.
_MOST_ROWS = 1_000_000


@dataclass
class FileMatches:
    """What was found in a file; rows are numbered from 1, the header not counted."""

    file: str
    rows: int
    columns: Columns
    matches: Matches
    problems: list[str]

    @property
    def _outcome(self) -> Outcome:
        if self.problems:
            return Outcome.PARTIAL
        return Outcome.OK if self.rows else Outcome.EMPTY

    @property
    def _reason(self) -> str:
        if self.problems:
            return f"{len(self.problems)} of {self.rows} rows can't be read."
        return "" if self.rows else "There is no row below the header."

    def as_json(self, *, explain: bool = False) -> dict[str, Any]:
        """Give the clusters as row numbers; `explain` adds each pair's reasons."""
        found: dict[str, Any] = {
            "file": self.file,
            "outcome": self._outcome,
            "reason": self._reason,
            "rows": self.rows,
            "columns": {
                field: names[0] if len(names) == 1 else names
                for field, names in self.columns.items()
            },
            "numbering": "rows count from 1 below the header",
            "clusters": [
                [index + 1 for index in members] for members in self.matches.clusters
            ],
            "review": [[each.one + 1, each.other + 1] for each in self.matches.review],
            "compared_pairs": self.matches.compared,
            "problems": self.problems,
        }
        if explain:
            found["pairs"] = [
                pair_as_json(each, "match") for each in self.matches.pairs
            ]
            found["pairs"] += [
                pair_as_json(each, "review") for each in self.matches.review
            ]
        return found


def pair_as_json(pair: Likeness, verdict: str) -> dict[str, Any]:
    """Give one pair with the reasons for its verdict."""
    return {
        "rows": [pair.one + 1, pair.other + 1],
        "verdict": verdict,
        "probability": round(pair.comparison.probability, 4),
        "bits": pair.comparison.bits,
        "reasons": list(pair.comparison.reasons),
    }


def match_file(
    path: Path,
    *,
    maps: Sequence[str] = (),
    has_header: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FileMatches:
    """Match the rows of a CSV, XLSX or JSONL file with each other.

    `maps` are texts such as "name=Company"; other columns are found by name and
    content. Raises InvalidInput when no column says who a business is.
    """
    # Not strict: a lone quote inside a cell must not shift the numbers of rows.
    table = open_table(path, strict=False, has_header=has_header)
    if not table.header:
        raise InvalidInput(f"{path.name} is empty: it has neither header nor rows.")
    sample = list(itertools.islice(table.rows, SAMPLE_ROWS))
    cells = [row.cells for row in sample if isinstance(row, Row)]
    columns = map_columns(table.header, cells, parse_map(maps, table.header))
    columns = {name: columns[name] for name in COMPARED_FIELDS if name in columns}
    if not columns.keys() & {"name", "phone", "email", "website", "street"}:
        raise InvalidInput(
            f"No column of {path.name} says who a business is (its columns are"
            f" {', '.join(table.header)}): name one with --map name=COLUMN."
        )
    with without_collecting():
        return _match(path.name, sample, table, columns, progress)


def _match(
    name: str,
    sample: list[Row | BadRow],
    table: Table,
    columns: Columns,
    progress: Callable[[int, int], None],
) -> FileMatches:
    pick = make_picker(table.header, columns, all_reach=True)
    profiles: list[Profile] = []
    problems: list[str] = []
    for row in itertools.chain(sample, table.rows):
        if isinstance(row, BadRow):
            problems.append(row.problem)
            profiles.append(Profile())
        else:
            profiles.append(make_profile(pick(row.cells)))
        if len(profiles) > _MOST_ROWS:
            raise InvalidInput(f"{name} has more than {_MOST_ROWS:,} rows: split it.")
    matches = find_matches(profiles, progress=progress)
    return FileMatches(name, len(profiles), columns, matches, problems)
