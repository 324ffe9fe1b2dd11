"""The sweep: find mails that got stuck, and try again only what may be tried."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from campaigns.batches import BATCH_SIZE, plan, unplanned
from campaigns.claiming import AFTER_DATA, BEFORE_DATA, ORPHANED_AFTER
from campaigns.launching import finish_if_done
from campaigns.limits import quotas_of
from campaigns.models import Email, SendingLimit
from campaigns.pacing import batches_of
from campaigns.recording import Fence, Settled, settle_together
from campaigns.states import CampaignState, EmailState
from fliptech_site.errors import InvalidInput
from tasks.models import Task
from tasks.states import UNFINISHED

#: RFC 5321, section 4.5.4.1, asks for 4-5 days; an invitation is stale by then.
GIVE_UP_AFTER = timedelta(days=3)
_GIVE_UP_ATTEMPTS = 10
#: Mails per run; the next run takes the rest.
_LIMIT = 2000


def retry_failed() -> dict[str, int]:
    """Settle attempts whose worker died, give up what is old, plan the rest again.

    Never touches a mail that was sent, refused for good or is in doubt, nor one of a
    campaign that isn't running, nor one that still has an unfinished task.
    """
    in_doubt, deferred = settle_orphans()
    given_up = _give_up()
    retried = _plan_again()
    finish_if_done()
    return {
        "retried": retried,
        "given_up": given_up,
        "in_doubt": in_doubt,
        "deferred": deferred,
    }


def settle_orphans() -> tuple[int, int]:
    """Move attempts that nobody runs any more; returns (in doubt, deferred)."""
    now = timezone.now()
    task = Task.objects.filter(pk=OuterRef("task_id"), state__in=UNFINISHED)
    orphans = Email.objects.filter(
        ~Exists(task),
        state=EmailState.SENDING,
        claimed_at__lt=now - ORPHANED_AFTER,
    )
    in_doubt = orphans.filter(data_started_at__isnull=False).update(
        state=EmailState.IN_DOUBT,
        detail=AFTER_DATA,
        updated_at=now,
    )
    return in_doubt, _defer(orphans.filter(data_started_at__isnull=True))


def _defer(orphans: QuerySet[Email]) -> int:
    """Give back attempts of which nothing was begun, and their slots of the days."""
    emails = list(orphans.select_related("account", "campaign__launched_by")[:_LIMIT])
    if not emails:
        return 0
    shared = list(SendingLimit.objects.all())
    written = settle_together(
        [
            Settled(Fence(e.pk, e.attempts), EmailState.DEFERRED, BEFORE_DATA)
            for e in emails
        ],
        {email.pk: quotas_of(email, shared) for email in emails},
    )
    return len(written)


def try_again(email_id: int) -> None:
    """Let a mail that failed for certain be sent after all, on a person's word.

    Raises InvalidInput for a mail in any other state.
    """
    updated = Email.objects.filter(pk=email_id, state=EmailState.FAILED).update(
        state=EmailState.WAITING,
        detail="To be tried again, on a person's word.",
        updated_at=timezone.now(),
    )
    if not updated:
        raise InvalidInput(
            f"E-mail {email_id} did not fail for certain, so it can't be sent again."
        )
    if Email.objects.filter(_may_go(), pk=email_id).exists():
        plan([email_id])


def _give_up() -> int:
    now = timezone.now()
    old = unplanned(
        Email.objects.filter(
            created_at__lt=now - GIVE_UP_AFTER, attempts__gte=_GIVE_UP_ATTEMPTS
        )
    ).filter(state=EmailState.DEFERRED)
    emails = list(old[:_LIMIT])
    for email in emails:
        email.state = EmailState.FAILED
        email.detail = f"Given up after {email.attempts} attempts. {email.detail}"
        email.updated_at = now
    return Email.objects.bulk_update(emails, ["state", "detail", "updated_at"])


def _may_go() -> Q:
    return Q(account__is_enabled=True) & (
        Q(kind=Email.Kind.SINGLE)
        | Q(kind=Email.Kind.CAMPAIGN, campaign__state=CampaignState.RUNNING)
    )


def _plan_again() -> int:
    stuck: QuerySet[Email] = unplanned(Email.objects.filter(_may_go()))
    rows = stuck.order_by("account_id", "campaign_id", "kind", "id").values_list(
        "account_id", "campaign_id", "kind", "pk"
    )[:_LIMIT]
    planned = 0
    for _, group in groupby(rows, key=lambda row: row[:3]):
        for batch in batches_of([row[3] for row in group], BATCH_SIZE):
            planned += plan(batch)["planned"]
    return planned
