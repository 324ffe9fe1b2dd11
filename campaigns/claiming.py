"""The claim on e-mails: everything is asked again, then one attempt is committed.

A claim is compare-and-set under a row lock; `attempts` is the fencing number. A worker
that lost its claim while it slept can neither begin DATA nor write an outcome.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, prefetch_related_objects
from django.utils import timezone

from campaigns.demo_links import demo_urls
from campaigns.fates import AccountTrouble
from campaigns.limits import quotas_of
from campaigns.models import Email, SendingLimit
from campaigns.recording import Fence, Settled, settle_together
from campaigns.states import SENDABLE, EmailState
from campaigns.stopping import skip_waiting_mails
from campaigns.withholding import (
    Allotted,
    Wait,
    ask_limits,
    reason_to_hold,
    reasons_to_skip,
    wait_for_its_time,
)
from fliptech_site.errors import InvalidInput, RateLimited

#: An attempt can't last longer: the actor's limit is two minutes.
ORPHANED_AFTER = timedelta(minutes=5)

BEFORE_DATA = "The worker died before the mail was begun."
AFTER_DATA = (
    "The worker died after the mail was begun: it may or may not have arrived. It is not"
    " sent again by itself; settle it when you know."
)


class Claimed(NamedTuple):
    """The mails that are to be sent now, and who has to wait."""

    emails: list[Email]
    #: On which quotas each mail was counted, by its id.
    counted: Mapping[int, Sequence[str]]
    wait: Wait | None
    #: The addresses of their leads' demo sites, by the lead's id.
    demos: Mapping[int, str] = {}


def claim(email_id: int, *, task_id: UUID | None) -> Email | None:
    """Claim a mail for one attempt; None when it is not to be sent now.

    As `claim_together`; raises RateLimited (nothing is burned) when it has to wait.
    """
    claimed = claim_together([email_id], task_id=task_id)
    if claimed.wait is not None:
        raise rate_limited(claimed.wait)
    return claimed.emails[0] if claimed.emails else None


def claim_together(
    email_ids: Sequence[int], *, task_id: UUID | None, to_sink: bool = False
) -> Claimed:
    """Claim those of some mails that are to be sent now, in one commit.

    All are of one account and one campaign. The rows of the others then say why. The
    state `sending` and the Message-IDs are committed when this returns. What goes
    `to_sink` asks no limit, since no server of others is met. Raises AccountTrouble and,
    for an unknown id, InvalidInput.
    """
    with transaction.atomic(durable=True):
        now = timezone.now()
        emails = [
            email for email in _lock(email_ids) if _is_sendable(email, task_id, now)
        ]
        demos = demo_urls([e.lead_id for e in emails if e.lead_id is not None])
        emails = _without_skipped(emails, demos)
        if not emails:
            return Claimed([], {}, None)
        if hold := reason_to_hold(emails[0]):
            _note(emails, hold)
            return Claimed([], {}, None)
        _check_account_of(emails[0])
        waiting: list[tuple[Email, Wait]] = []
        ready: list[Email] = []
        for email in emails:
            wait = wait_for_its_time(email, now)
            waiting.append((email, wait)) if wait else ready.append(email)
        allotted = Allotted(ready, {}, []) if to_sink else ask_limits(ready, now)
        waiting += allotted.waiting
        _begin(allotted.going, task_id, now)
        for wait in {wait for _, wait in waiting}:
            held = [email for email, its in waiting if its == wait]
            _note(held, f"It waits: {wait.says}.")
    earliest = min((wait for _, wait in waiting), key=lambda w: w.until, default=None)
    return Claimed(allotted.going, allotted.counted, earliest, demos)


def settle_doubt(email_id: int, *, arrived: bool, evidence: str) -> bool:
    """Settle a mail in doubt by evidence, such as an opening or a person's word."""
    values: dict[str, object] = {
        "state": EmailState.SENT if arrived else EmailState.FAILED,
        "detail": f"Was in doubt; settled: {evidence}",
        "updated_at": timezone.now(),
    }
    if arrived:
        values["sent_at"] = F("data_started_at")
    return bool(
        Email.objects.filter(pk=email_id, state=EmailState.IN_DOUBT).update(**values)
    )


def rate_limited(wait: Wait) -> RateLimited:
    """Give the error by which a task waits without burning an attempt."""
    seconds = (wait.until - timezone.now()).total_seconds()
    return RateLimited(f"Not yet: {wait.says}.", retry_after=max(seconds, 0.001))


def _lock(email_ids: Sequence[int]) -> list[Email]:
    emails = list(
        Email.objects.select_for_update(of=("self",))
        .select_related("lead", "recipient")
        .filter(pk__in=email_ids)
        .order_by("pk")
    )
    # What mails share is read once, and not made an object of for each of them.
    prefetch_related_objects(
        emails, "account", "campaign__launched_by", "template", "variant"
    )
    if missing := set(email_ids) - {email.pk for email in emails}:
        raise InvalidInput(f"There is no e-mail {min(missing)}.")
    if len({(email.account_id, email.campaign_id) for email in emails}) > 1:
        raise InvalidInput("Mails of one account and one campaign go together only.")
    return emails


def _is_sendable(email: Email, task_id: UUID | None, now: datetime) -> bool:
    if email.state == EmailState.SENDING:
        return _settle_orphan(email, task_id, now)
    return email.state in SENDABLE


def _settle_orphan(email: Email, task_id: UUID | None, now: datetime) -> bool:
    """Decide about an attempt that is under way, or whose worker died.

    The ledger gives a task to a second run only when the first has ended, so the same
    task finding its mail here means that its worker died. True: it may be tried again.
    """
    is_own = task_id is not None and email.task_id == task_id
    assert email.claimed_at is not None
    is_old = email.claimed_at < now - ORPHANED_AFTER
    if not (is_own or is_old):
        return False
    fence = Fence(email.pk, email.attempts)
    if email.data_started_at is not None:
        settle_together([Settled(fence, EmailState.IN_DOUBT, AFTER_DATA)])
        return False
    counted = quotas_of(email, list(SendingLimit.objects.all()))
    settle_together(
        [Settled(fence, EmailState.DEFERRED, BEFORE_DATA)], {email.pk: counted}
    )
    email.state = EmailState.DEFERRED
    return True


def _check_account_of(email: Email) -> None:
    if not email.account.is_enabled:
        then = ", then resume" if email.campaign is not None else ""
        raise AccountTrouble(
            f"The account {email.account} is switched off: switch it on{then}."
        )


def _without_skipped(emails: list[Email], demos: Mapping[int, str]) -> list[Email]:
    if not emails:
        return []
    reasons = reasons_to_skip(emails, demos)
    for reason, detail in set(reasons.values()):
        ids = [pk for pk, why in reasons.items() if why == (reason, detail)]
        skip_waiting_mails(Email.objects.filter(pk__in=ids), reason, detail)
    return [email for email in emails if email.pk not in reasons]


def _note(emails: Sequence[Email], detail: str) -> None:
    """Let the rows say why nothing happens, where they don't yet."""
    told = [email.pk for email in emails if email.detail != detail]
    if told:
        Email.objects.filter(pk__in=told).update(detail=detail)


_BEGIN = """
UPDATE campaigns_email AS email SET
    message_id = begun.message_id, state = 'sending', attempts = email.attempts + 1,
    task_id = coalesce(%s, email.task_id), claimed_at = %s, data_started_at = NULL,
    detail = '', updated_at = %s
FROM unnest(%s::bigint[], %s::text[]) AS begun(id, message_id)
WHERE email.id = begun.id
"""


def _begin(emails: Sequence[Email], task_id: UUID | None, now: datetime) -> None:
    for email in emails:
        email.message_id = email.message_id or _new_message_id(email.account.domain)
        email.state = EmailState.SENDING
        email.attempts += 1
        email.task_id = task_id or email.task_id
        email.claimed_at = now
        email.data_started_at = None
        email.detail = ""
    if emails:
        ids = [email.pk for email in emails]
        message_ids = [email.message_id for email in emails]
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN, [task_id, now, now, ids, message_ids])


def _new_message_id(domain: str) -> str:
    return f"<{uuid.uuid4()}@{domain}>"
