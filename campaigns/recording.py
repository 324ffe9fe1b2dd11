"""Commit what became of attempts: fenced, for many mails in one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from campaigns.models import Email
from campaigns.states import EMAIL_TRANSITIONS, EmailState
from tasks.allotting import give_back


class LostClaim(RuntimeError):
    """Raised when an attempt is no longer the mail's present one."""


class Fence(NamedTuple):
    """An attempt: only it may write what became of the mail."""

    email_id: int
    attempt: int


class Words(NamedTuple):
    """What is kept of what a mail says."""

    subject: str
    #: As `composing.hash_of` has it; an answer keeps its whole text, and has none.
    hash: int | None = None


class Settled(NamedTuple):
    """What became of an attempt."""

    fence: Fence
    state: EmailState
    detail: str
    #: What the provider calls the mail; blank keeps what is there.
    provider_id: str = ""


_DATA_STARTED = """
UPDATE campaigns_email AS email
SET data_started_at = clock_timestamp(), subject = begun.subject,
    words_hash = begun.words_hash
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::bigint[])
    AS begun(id, attempt, subject, words_hash)
WHERE email.id = begun.id AND email.attempts = begun.attempt AND email.state = 'sending'
RETURNING email.id
"""

_SETTLE = """
UPDATE campaigns_email AS email SET
    state = done.state, detail = done.detail, updated_at = %s,
    sent_at = CASE WHEN done.state = 'sent' THEN %s ELSE email.sent_at END,
    provider_id = coalesce(nullif(done.provider_id, ''), email.provider_id)
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[])
    AS done(id, attempt, state, detail, provider_id)
JOIN unnest(%s::text[], %s::text[]) AS move(source, target) ON move.target = done.state
WHERE email.id = done.id AND email.attempts = done.attempt AND email.state = move.source
RETURNING email.id
"""
#: States of a mail that did not go, for certain.
_STAYED = (EmailState.DEFERRED, EmailState.FAILED)
_MOVES = [(old, new) for old, targets in EMAIL_TRANSITIONS.items() for new in targets]

_RELEASE = """
UPDATE campaigns_email AS email SET
    state = 'deferred', attempts = email.attempts - 1, data_started_at = NULL,
    detail = %s, updated_at = now()
FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[]) AS held(id, attempt, claimed_at)
WHERE email.id = held.id AND email.attempts = held.attempt
    AND email.claimed_at = held.claimed_at AND email.state = 'sending'
RETURNING email.id
"""


def mark_data_started(begun: Mapping[Fence, Words]) -> set[int]:
    """Commit that DATA begins now; from here on the fate of these mails may be unknown.

    Returns the ids of those that are still in these hands: nothing may be sent of the
    others.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _DATA_STARTED,
            [
                [fence.email_id for fence in begun],
                [fence.attempt for fence in begun],
                [words.subject[:400] for words in begun.values()],
                [words.hash for words in begun.values()],
            ],
        )
        return {row[0] for row in cursor.fetchall()}


def settle_together(
    done: Sequence[Settled], counted: Mapping[int, Sequence[str]] | None = None
) -> set[int]:
    """Commit the outcomes of attempts; returns the ids whose present one it was.

    An attempt that was taken for dead may still report what became of it. A mail that
    did not go is taken off the quotas that it was `counted` on.
    """
    if not done:
        return set()
    now = timezone.now()
    columns: list[list[Any]] = [
        [one.fence.email_id for one in done],
        [one.fence.attempt for one in done],
        [str(one.state) for one in done],
        [one.detail for one in done],
        [one.provider_id for one in done],
        [str(old) for old, _ in _MOVES],
        [str(new) for _, new in _MOVES],
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SETTLE, [now, now, *columns])
        written = {row[0] for row in cursor.fetchall()}
        stayed = {one.fence.email_id for one in done if one.state in _STAYED}
        _take_off(written & stayed, counted)
    return written


def release(
    emails: Collection[Email],
    detail: str,
    counted: Mapping[int, Sequence[str]] | None = None,
) -> None:
    """Give back mails of which nothing was begun, as if they had not been claimed.

    The time of the claim is part of this fence: the number will be used again.
    """
    if not emails:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _RELEASE,
            [
                detail,
                [email.pk for email in emails],
                [email.attempts for email in emails],
                [email.claimed_at for email in emails],
            ],
        )
        _take_off({row[0] for row in cursor.fetchall()}, counted)


def _take_off(
    email_ids: Collection[int], counted: Mapping[int, Sequence[str]] | None
) -> None:
    if counted:
        give_back(key for pk in email_ids for key in counted.get(pk, ()))
