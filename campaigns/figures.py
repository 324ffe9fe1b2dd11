"""The mails' figures on admin's first page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from campaigns.counting import counted
from campaigns.models import Conversation
from campaigns.states import EmailState
from fliptech_site.dashboard import Figure, percent_of


def figures() -> Iterable[Figure]:
    """Yield the mails sent, and the mails and answers that a person has to look at."""
    counts: dict[str, int] = defaultdict(int)
    for row in counted():
        if row.what in EmailState.values:
            counts[row.what] += row.n
    sent, doubtful, failed = (
        counts[state]
        for state in (EmailState.SENT, EmailState.IN_DOUBT, EmailState.FAILED)
    )
    due = sum(counts.values()) - counts[EmailState.SKIPPED]
    page = "admin:campaigns_email_changelist"
    yield Figure(
        "E-mails sent",
        sent,
        f"of {due} to be sent",
        "outgoing_mail",
        page,
        query="?state__exact=sent",
        percent=percent_of(sent, due),
    )
    yield Figure(
        "E-mails to look at",
        doubtful + failed,
        f"{doubtful} in doubt, {failed} failed",
        "help",
        page,
        query="?state__exact=in_doubt" if doubtful else "?state__exact=failed",
        is_alarming=bool(doubtful + failed),
    )
    # Few enough to be counted: an index holds only these.
    waiting = Conversation.objects.filter(needs_answer=True).count()
    yield Figure(
        "Answers to write",
        waiting,
        "people wrote and wait",
        "forum",
        "admin:campaigns_conversation_changelist",
        query="?needs_answer__exact=1",
        is_alarming=bool(waiting),
    )
