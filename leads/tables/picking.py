"""Pick the fields of a lead out of a table's rows by their columns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leads.tables.mapping import Columns

#: Fields whose columns are parts of one value; of others the first one filled counts.
_JOINED = frozenset({"street", "name"})


def make_picker(
    header: Sequence[str], columns: Columns, *, all_reach: bool = False
) -> Callable[[list[str]], dict[str, str]]:
    """Give the function that turns a row's cells into field values.

    `all_reach` keeps every telephone and address of a row, for matching.
    """
    joined = _JOINED | ({"phone", "email"} if all_reach else frozenset())
    places = [
        (field, [header.index(name) for name in names], field in joined)
        for field, names in columns.items()
    ]

    def pick(cells: list[str]) -> dict[str, str]:
        values = {}
        for field, indexes, is_joined in places:
            texts = [cells[at] for at in indexes if at < len(cells) and cells[at]]
            blank = "; " if field in ("phone", "email") else " "
            values[field] = blank.join(texts) if is_joined else (texts or [""])[0]
        return values

    return pick
