"""Statements whose parameters are sent apart from their text, prepared or not.

Django's own cursor writes parameters into the text, which costs time where they are long,
and can't prepare.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

#: psycopg prepares on its own after so many; those here are prepared at once.
PREPARE_AFTER = 5


def fetch_bound(
    statement: str, parameters: Mapping[str, Any], *, prepare: bool = False
) -> list[tuple[Any, ...]]:
    """Run a statement on Django's connection and give all its rows.

    `prepare` lets PostgreSQL read and plan it once per session. That is worth it for
    short statements that run often (a lone enqueue: 335 instead of 520 us, with its
    commit), and harmful where a plan made for small tables would be kept while they
    grow. A parameter whose type can't be told from its place needs a cast in the
    statement. Behind a pooler that can't keep prepared statements, DATABASE_PREPARES
    is off, and the text is sent whole.
    """
    if not settings.DATABASE_PREPARES:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            stored: list[tuple[Any, ...]] = cursor.fetchall()
            return stored
    # As Django's own cursor does: a session that was cut meanwhile is replaced.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    session: psycopg.Connection[Any] = connection.connection
    session.prepare_threshold = PREPARE_AFTER
    with connection.wrap_database_errors, psycopg.Cursor(session) as bound:
        bound.execute(statement, parameters, prepare=prepare)
        return bound.fetchall()
