"""Answer the question: why has this not been sent?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from campaigns.audience import usable_address
from campaigns.models import Campaign, Email, Recipient, Step
from campaigns.states import SENDABLE, CampaignState, EmailState
from campaigns.working_hours import may_send_at
from fliptech_site.errors import InvalidInput
from leads.models import Lead
from leads.suppression import is_suppressed
from tasks.gates import Gate
from tasks.gating import gates, shut_actors
from tasks.models import Task
from tasks.states import UNFINISHED

#: Recipients of one answer.
MAX_FOUND = 20


def find_recipients(campaign: Campaign, asked: str) -> list[Recipient]:
    """Find recipients by address, its beginning, the lead's number or part of its name.

    At most `MAX_FOUND`. Raises InvalidInput for less than two characters.
    """
    asked = asked.strip()
    if len(asked) < 2 and not asked.isdecimal():
        raise InvalidInput("Write two characters or more of an address or a name.")
    recipients = (
        Recipient.objects.filter(campaign=campaign)
        .select_related("campaign", "lead")
        .prefetch_related("emails__account", "emails__campaign")
    )
    found = _by_address(recipients, asked) or _by_lead(recipients, asked)
    # Found by index; an order of the database would make it walk the whole campaign.
    return sorted(found, key=lambda recipient: recipient.pk)


def _by_address(recipients: QuerySet[Recipient], asked: str) -> list[Recipient]:
    exact = usable_address(asked)
    condition = Q(address=exact) if exact else Q(address__startswith=asked.lower())
    return list(recipients.filter(condition).order_by()[:MAX_FOUND])


def _by_lead(recipients: QuerySet[Recipient], asked: str) -> list[Recipient]:
    number = asked.removeprefix("#")
    if number.isdecimal():
        return list(recipients.filter(lead_id=int(number[:18])))
    leads = Lead.objects.filter(name__icontains=asked).order_by()
    ids = list(leads.values_list("pk", flat=True)[: 10 * MAX_FOUND])
    return list(recipients.filter(lead__in=ids).order_by()[:MAX_FOUND])


def why_unknown(campaign: Campaign, asked: str) -> str:
    """Say why a campaign has no such recipient."""
    if campaign.launched_at is None:
        return "The campaign has not been launched: nobody has been considered yet."
    address = usable_address(asked.strip())
    lead = Lead.objects.filter(email__iexact=address).first() if address else None
    if lead is not None:
        return (
            f"{lead.name} was not considered: the lead came after the launch, or the"
            " audience leaves it out. Launch again to consider it."
        )
    if address and is_suppressed(address):
        return f"No lead has {address}, and it asked not to be written to."
    return (
        f"Nobody like {asked.strip()!r} was considered: no lead had it at the launch, or"
        " it is written differently."
    )


def why(recipient: Recipient) -> str:
    """Say in one sentence what became of a recipient's mail, and why.

    Asks for the recipient's newest mail and the campaign; prefetch `emails` and
    select `campaign` when asking for many.
    """
    if recipient.state == Recipient.State.SKIPPED:
        return f"Not sent: {recipient.detail or recipient.get_reason_display()}"
    email = newest_mail(recipient)
    if email is None:
        return "Not sent: the audience names this lead, but its mail is missing."
    return explain(email, recipient.campaign)


def newest_mail(recipient: Recipient) -> Email | None:
    """Give the mail of the latest step; without a query where `emails` is prefetched."""
    # Sorted here: an ordering of the database would ask once for each row.
    return max(recipient.emails.all(), key=lambda email: email.step, default=None)


def explain(email: Email, campaign: Campaign | None) -> str:
    """Say in one sentence what became of a mail, and why."""
    state = EmailState(email.state)
    if state == EmailState.SENT:
        said = f": {email.detail}" if email.detail else ""
        return f"Sent on {email.sent_at:%d %B %Y at %H:%M} UTC{said}"
    if state == EmailState.SKIPPED:
        return f"Not sent: {email.detail or email.get_reason_display()}"
    if state == EmailState.SENDING:
        return "Being sent right now."
    if state == EmailState.IN_DOUBT:
        return f"In doubt: {email.detail}"
    if state == EmailState.FAILED:
        return f"Not sent, and not tried again by itself: {email.detail}"
    return _why_open(email, campaign)


def _why_open(email: Email, campaign: Campaign | None) -> str:
    if campaign is not None and campaign.state != CampaignState.RUNNING:
        state = campaign.get_state_display()
        reason = campaign.state_reason or "Nothing is sent until it runs."
        return f"Not sent yet: the campaign is {state}. {reason}"
    if campaign is None and not email.account.is_enabled:
        return f"Not sent yet. {_switched_off(email)}"
    if email.state == EmailState.DEFERRED and email.attempts:
        return f"Not sent yet, tried {email.attempts} times: {email.detail}"
    if email.due_at is not None and email.due_at > timezone.now():
        return f"Not sent yet: it is due on {email.due_at:%d %B %Y at %H:%M} UTC."
    # The claim wrote which limit held it back.
    if email.detail:
        return f"Not sent yet: {email.detail}"
    if email.is_answer:
        return "Not sent yet: it goes as soon as a worker takes it, at any hour."
    return "Not sent yet: it waits for its turn at the account's pace."


def circumstances(recipient: Recipient) -> list[str]:
    """Say what else holds a recipient's newest mail, with what is to be done about it.

    Asks a few queries: for one recipient, not for lists.
    """
    email = newest_mail(recipient)
    if email is None:
        return list(_what_stops(recipient))
    return [
        *_what_stops(recipient),
        *_what_follows(recipient, email),
        *what_holds([email])[email.pk],
    ]


def what_holds(emails: Sequence[Email]) -> dict[int, list[str]]:
    """Say what else holds each mail, by its id; a few queries for all.

    For who brings along the accounts.
    """
    waiting = [email for email in emails if email.state in SENDABLE]
    ids = [email.task_id for email in waiting if email.task_id]
    tasks = Task.objects.filter(state__in=UNFINISHED).in_bulk(ids)
    shut = _gates_before(list(tasks.values()))
    held: dict[int, list[str]] = {email.pk: [] for email in emails}
    for email in waiting:
        task = tasks.get(email.task_id) if email.task_id else None
        held[email.pk] = [*_what_holds(email), _what_its_task_does(task, shut)]
    return held


def _what_stops(recipient: Recipient) -> Iterator[str]:
    if recipient.stop_reason and recipient.stopped_at:
        yield (
            f"The sequence ended on {recipient.stopped_at:%d %B %Y}:"
            f" {recipient.get_stop_reason_display()}."
        )
    if recipient.address and is_suppressed(recipient.address):
        yield "The address stands on the suppression list: it is never written to."


def _what_follows(recipient: Recipient, email: Email) -> Iterator[str]:
    if recipient.stop_reason or email.is_followed or email.state in SENDABLE:
        return
    step = Step.objects.filter(
        campaign=email.campaign_id, number__gt=email.step
    ).first()
    if step is not None:
        yield (
            f"Step {step.number} follows {step.wait_days} days and {step.wait_hours}"
            f" hours after step {email.step}, if its condition holds:"
            f" {step.get_condition_display()}."
        )


def _what_holds(email: Email) -> Iterator[str]:
    account, now = email.account, timezone.now()
    if not account.is_enabled:
        yield _switched_off(email)
    if email.kind != Email.Kind.CAMPAIGN:  # The others go at any hour.
        return
    opens_at = may_send_at(account.hours, now)
    if opens_at > now:
        yield f"The account {account} works again on {opens_at:%d %B at %H:%M} UTC."


def _switched_off(email: Email) -> str:
    return f"The account {email.account} is switched off: switch it on."


def _gates_before(tasks: Sequence[Task]) -> dict[str, Gate]:
    """Give the gates of their queues and actors; their names are never the same."""
    if not tasks:
        return {}
    return {**gates({task.queue for task in tasks}), **shut_actors()}


def _what_its_task_does(task: Task | None, shut: Mapping[str, Gate]) -> str:
    if task is None:
        return "No task is planned for it: the next sweep, every 15 minutes, plans one."
    for kind, name in (("queue", task.queue), ("actor", task.actor)):
        if name in shut and shut[name].holds(task.created_at):
            return f"The {kind} {name} is paused: resume it."
    if task.run_at > timezone.now():
        return f"Its turn comes on {task.run_at:%d %B at %H:%M:%S} UTC."
    return f"Its task is {task.state}: a worker takes it as soon as one is free."


def say(recipients: Sequence[Recipient]) -> list[dict[str, Any]]:
    """Give the answer for each recipient as plain values."""
    return [
        {
            "id": recipient.pk,
            "lead": recipient.lead.name,
            "lead_id": recipient.lead_id,
            "address": recipient.address,
            "why": why(recipient),
            "more": circumstances(recipient),
        }
        for recipient in recipients
    ]
