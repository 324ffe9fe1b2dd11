"""Find tasks by what a person types, through indexes only, however long the history is."""

from __future__ import annotations

import re
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from tasks.declaring import load_actors
from tasks.models import Task

#: The newest failures whose error texts are read; no index serves a word within a text.
ERRORS_READ = 1000
#: Tasks that a key or a word of an error may bring.
MOST_HITS = 100

#: In the order of the index, whatever the collation: otherwise the planner may think it
#: quicker to read the table until enough are found.
_WITH_KEY = """
SELECT id FROM tasks_task WHERE unique_key LIKE %s
ORDER BY unique_key USING ~<~ LIMIT %s
"""

_WITH_ERROR = """
SELECT id FROM (
    SELECT id, error_message FROM tasks_task WHERE state = 'failed'
    ORDER BY created_at DESC LIMIT %s
) AS newest
WHERE position(lower(%s) IN lower(error_message)) > 0
LIMIT %s
"""


def matching(tasks: QuerySet[Task], text: str) -> QuerySet[Task]:
    """Return those of `tasks` that the text names.

    An id names its task and all that this one set going, an actor's name all its tasks.
    Anything else is looked for in the names of actors, at the beginning of unique keys
    and inside the errors of the newest failures.
    """
    wanted = text.strip()
    if not wanted:
        return tasks
    try:
        task_id = UUID(wanted)
    except ValueError:
        pass
    else:
        return tasks.filter(Q(pk=task_id) | Q(root_id=task_id))
    actors = load_actors()
    if wanted in actors:
        return tasks.filter(actor=wanted)
    named = [name for name in actors if wanted.lower() in name.lower()]
    # Ids first: with all in one condition PostgreSQL would walk the whole history.
    hits = [*_with_key(wanted), *_with_error(wanted)]
    return tasks.filter(Q(actor__in=named) | Q(pk__in=hits))


def _with_key(beginning: str) -> list[UUID]:
    literal = re.sub(r"([%_\\])", r"\\\1", beginning)
    return _ids(_WITH_KEY, [f"{literal}%", MOST_HITS])


def _with_error(words: str) -> list[UUID]:
    return _ids(_WITH_ERROR, [ERRORS_READ, words, MOST_HITS])


def _ids(statement: str, parameters: list[str | int]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]
