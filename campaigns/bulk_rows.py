"""Insert and find many rows in one statement, in little time and memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model
from django.db.models.expressions import RawSQL
from psycopg import sql


def insert_rows(
    example: Model, varying: Mapping[str, Sequence[Any]], *, ending: str = ""
) -> list[tuple[Any, ...]]:
    """Insert a row for each place of the sequences in `varying`, by field name.

    All other fields are as `example` has them. `ending` is SQL of our own, such as ON
    CONFLICT or RETURNING; what that returns is returned. Four times as fast as
    `bulk_create`, which makes a model of each row and binds each value.
    """
    fields = [field for field in example._meta.concrete_fields if not field.primary_key]
    constant = [field for field in fields if field.name not in varying]
    given = [field for field in fields if field.name in varying]
    if len(given) != len(varying):
        raise ValueError(f"{type(example).__name__} lacks a field of {list(varying)}.")
    # An array takes time for each of its values; one at least says how many rows.
    changing = [field for field in given if _differ(varying[field.name])] or given[:1]
    uniform = [field for field in given if field not in changing]
    constants = [sql.Placeholder() for _ in constant] + [_cast(f) for f in uniform]
    names = sql.SQL(", ").join(map(_column, changing))
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {constants}{comma}{names}"
        " FROM unnest({arrays}) AS changing({names}) {ending}"
    ).format(
        table=sql.Identifier(example._meta.db_table),
        columns=sql.SQL(", ").join(map(_column, [*constant, *uniform, *changing])),
        constants=sql.SQL(", ").join(constants),
        comma=sql.SQL(", " if constants else ""),
        names=names,
        arrays=sql.SQL(", ").join(_cast(field, "[]") for field in changing),
        ending=sql.SQL(ending),
    )
    values = [
        field.get_db_prep_save(field.pre_save(example, add=True), connection)
        for field in constant
    ]
    values += [varying[field.name][0] for field in uniform]
    with connection.cursor() as cursor:
        arrays = [list(varying[field.name]) for field in changing]
        cursor.execute(statement, [*values, *arrays])
        return cursor.fetchall() if cursor.description else []


def one_of(values: Iterable[Any], kind: str) -> Any:
    """Give the right side of `…__in` for many values of a PostgreSQL type, as one array.

    A parameter for each of a thousand values costs more time here than the query there.
    """
    return RawSQL(f"SELECT unnest(%s::{kind}[])", [list(values)])  # noqa: S611 - bound


def _differ(values: Sequence[Any]) -> bool:
    return not values or any(value != values[0] for value in values)


def _cast(field: Any, array: str = "") -> sql.Composable:
    """Give the place of a value, or of an array of them, with its type."""
    return sql.Placeholder() + sql.SQL("::") + _type_of(field) + sql.SQL(array)


def _column(field: Any) -> sql.Composable:
    return sql.Identifier(field.column)


def _type_of(field: Any) -> sql.SQL:
    of = field.target_field if field.is_relation else field
    return sql.SQL(of.cast_db_type(connection).partition("(")[0])
