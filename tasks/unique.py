"""Unique tasks: at most one task holds a key, and a unique index sees to it.

Nobody looks first and then inserts: the insert itself is refused, whoever comes at the
same moment. Nothing has to be given back either, as a lock would: whether a task holds
its key is read off its own row, its state and its time.

A hold only ever ends with a move (a first run begins, a task ends) and never begins
again by itself, so a retry, a rescue or a task given back can't run into a twin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Q, TextChoices

from fliptech_site.errors import InvalidInput
from tasks.states import FINISHED, UNFINISHED, WAITING, State

MAX_KEY_LENGTH = 200

Row = TypeVar("Row")


class Hold(TextChoices):
    """How long a task holds its unique key."""

    #: Until its first run begins: work that comes during a run is not lost.
    WAITING = "waiting"
    #: Until it ends, however it ends; retries included.
    UNFINISHED = "unfinished"
    #: Until it ends, and when it has succeeded until the period is over.
    SUCCEEDED = "succeeded"
    #: Until it ends, and however it ended until the period is over.
    FINISHED = "finished"


class OnConflict(TextChoices):
    """What becomes of a task whose key is held by another, its twin."""

    #: Nothing is enqueued; the caller gets the twin's id.
    RETURN = "return"
    #: Nothing is enqueued; the caller gets `KeyTaken`.
    REJECT = "reject"
    #: The twin, while it waits, takes the new arguments, priority and time.
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Unique:
    """That a task is to be the only one with its key, for how long, and what if not.

    `hold` is UNFINISHED by default, and SUCCEEDED where there is a `period`, which
    counts from the time the task is due: at most once per day is `period=timedelta(1)`.
    A task that is unfinished after its period still holds its key. The keys of all
    actors are one space, so begin them with a name of your own. Raises InvalidInput
    for what makes no sense.
    """

    key: str
    hold: Hold | None = None
    period: timedelta | None = None
    on_conflict: OnConflict = OnConflict.RETURN

    def __post_init__(self) -> None:
        """Refuse keys that can't be stored and holds that would never or always end."""
        if not 0 < len(self.key) <= MAX_KEY_LENGTH or "\x00" in self.key:
            raise InvalidInput(
                f"The unique key {self.key!r} has to have 1 to {MAX_KEY_LENGTH}"
                " characters, without NUL."
            )
        if self.period is not None and self.period <= timedelta(0):
            raise InvalidInput(f"The period of {self.key!r} has to be above zero.")
        if (self.period is None) == (self.held in (Hold.SUCCEEDED, Hold.FINISHED)):
            raise InvalidInput(
                f"The key {self.key!r} is held {self.held.value}: a period belongs to"
                " `succeeded` and `finished`, and to nothing else."
            )

    @property
    def held(self) -> Hold:
        """How long the key is held, with the default filled in."""
        if self.hold is not None:
            return Hold(self.hold)
        return Hold.UNFINISHED if self.period is None else Hold.SUCCEEDED


class KeyTaken(InvalidInput):
    """Raised when a task was to be the only one of its key and is not."""

    def __init__(self, key: str, twin: Twin) -> None:
        super().__init__(
            f"The unique key {key!r} is held by task {twin.task_id} ({twin.actor}),"
            f" which is {twin.state}: wait for that one, or cancel it."
        )
        #: The task that holds the key.
        self.task_id = twin.task_id


@dataclass(frozen=True, slots=True)
class Twin:
    """The task that holds a key."""

    task_id: UUID
    actor: str
    state: str
    #: It has finished and its period is over: the next who asks may have the key.
    is_over: bool


#: When a row holds its `unique_key`; the unique index has this condition.
HOLDS = Q(unique_key__isnull=False) & (
    Q(unique_hold=Hold.WAITING, state__in=WAITING, attempt=0)
    | (~Q(unique_hold=Hold.WAITING) & Q(state__in=UNFINISHED))
    | Q(unique_hold=Hold.FINISHED, state__in=FINISHED)
    | Q(unique_hold=Hold.SUCCEEDED, state=State.SUCCEEDED)
)

#: The same for statements of our own, so that the planner finds the index.
HOLDS_SQL = """
    unique_key IS NOT NULL AND (
        (attempt = 0 AND state IN ('scheduled', 'queued') AND unique_hold = 'waiting')
        OR (NOT unique_hold = 'waiting' AND state IN ('scheduled', 'queued', 'running'))
        OR (state IN ('succeeded', 'failed', 'cancelled') AND unique_hold = 'finished')
        OR (state = 'succeeded' AND unique_hold = 'succeeded')
    )
"""

_TWINS = f"""
SELECT unique_key, id, actor, state,
    state IN ('succeeded', 'failed', 'cancelled')
        AND coalesce(unique_until <= clock_timestamp(), false)
FROM tasks_task WHERE unique_key = ANY(%s) AND {HOLDS_SQL}
"""  # noqa: S608 - constants above

#: It holds on as `unfinished`, for a person may run it again.
_LET_GO = """
UPDATE tasks_task SET unique_hold = 'unfinished'
WHERE id = ANY(%s) AND unique_until <= clock_timestamp()
    AND state || '' IN ('succeeded', 'failed', 'cancelled')
"""


def settle(
    wanted: Sequence[tuple[Unique, Row]],
    actor: str,
    insert: Callable[[Sequence[Unique], Sequence[Row]], Mapping[str, UUID]],
) -> dict[str, UUID]:
    """Insert rows that are to be the only ones; return who holds each key then.

    `insert` tries some rows and returns the holders of those keys that it brought in.
    Raises KeyTaken as the rows' `on_conflict` has it, InvalidInput where they differ.
    """
    missing = _without_doubles(wanted)
    holders: dict[str, UUID] = {}
    # A twin may let go between the refused insert and the look: try again.
    for _ in range(5):
        if not missing:
            break
        uniques, rows = zip(*missing.values(), strict=True)
        holders |= insert(uniques, rows)
        for key in holders.keys() & missing.keys():
            del missing[key]
        twins = _twins_of(missing)
        _let_go(twins.values())
        for key, twin in twins.items():
            if _is_given(missing[key][0], twin, actor):
                holders[key] = twin.task_id
                del missing[key]
    if missing:
        raise InvalidInput(
            f"The unique key {min(missing)!r} is taken and free by turns; try again."
        )
    return holders


def holder_of(key: str) -> Twin | None:
    """Return the task that holds `key`, if any does; one that is over lets it go."""
    twin = _twins_of([key]).get(key)
    if twin is None or not twin.is_over:
        return twin
    _let_go([twin])
    return None


def columns(uniques: Sequence[Unique]) -> dict[str, list[Any]]:
    """Return keys, holds and periods in seconds, as the insert takes them."""
    return {
        "unique_keys": [one.key for one in uniques],
        "unique_holds": [one.held.value for one in uniques],
        "unique_seconds": [
            one.period.total_seconds() if one.period else None for one in uniques
        ],
    }


def _without_doubles(
    wanted: Sequence[tuple[Unique, Row]],
) -> dict[str, tuple[Unique, Row]]:
    """Return one row for each key: the first, or the last where they replace."""
    if len({unique.on_conflict for unique, _ in wanted}) > 1:
        raise InvalidInput("All tasks that are enqueued together need one on_conflict.")
    single: dict[str, tuple[Unique, Row]] = {}
    # In one order everywhere, so that two callers can't wait for each other.
    for unique, row in sorted(wanted, key=lambda pair: pair[0].key):
        if unique.on_conflict == OnConflict.REPLACE or unique.key not in single:
            single[unique.key] = (unique, row)
    return single


def _is_given(unique: Unique, twin: Twin, actor: str) -> bool:
    """Whether the caller gets its twin; raises KeyTaken where it is to be told."""
    if twin.is_over:
        return False
    if unique.on_conflict == OnConflict.RETURN:
        return True
    # What waits could have been replaced, and will be with the next try. To return what
    # runs would lose the new arguments without a word.
    is_replaced = twin.state in WAITING and twin.actor == actor
    if unique.on_conflict == OnConflict.REJECT or not is_replaced:
        raise KeyTaken(unique.key, twin)
    return False


def _twins_of(keys: Iterable[str]) -> dict[str, Twin]:
    wanted = sorted(keys)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_TWINS, [wanted])
        return {row[0]: Twin(*row[1:]) for row in cursor.fetchall()}


def _let_go(twins: Iterable[Twin]) -> None:
    """Free the keys of those that are over."""
    over = sorted(twin.task_id for twin in twins if twin.is_over)
    if over:
        with connection.cursor() as cursor:
            cursor.execute(_LET_GO, [over])
