"""The mails' figures on admin's first page."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Q

from campaigns.models import Email
from campaigns.states import EmailState
from fliptech_site.dashboard import Figure, percent_of


def figures() -> Iterable[Figure]:
    """Yield the mails sent and those that a person has to look at."""
    counts = Email.objects.aggregate(
        due=Count("pk", filter=~Q(state=EmailState.SKIPPED)),
        sent=Count("pk", filter=Q(state=EmailState.SENT)),
        doubtful=Count("pk", filter=Q(state=EmailState.IN_DOUBT)),
        failed=Count("pk", filter=Q(state=EmailState.FAILED)),
    )
    page = "admin:campaigns_email_changelist"
    yield Figure(
        "E-mails sent",
        counts["sent"],
        f"of {counts['due']} to be sent",
        "outgoing_mail",
        page,
        query="?state__exact=sent",
        percent=percent_of(counts["sent"], counts["due"]),
    )
    yield Figure(
        "E-mails to look at",
        counts["doubtful"] + counts["failed"],
        f"{counts['doubtful']} in doubt, {counts['failed']} failed",
        "help",
        page,
        query="?state__exact=in_doubt"
        if counts["doubtful"]
        else "?state__exact=failed",
        is_alarming=bool(counts["doubtful"] + counts["failed"]),
    )
