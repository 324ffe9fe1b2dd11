"""What was written to a lead and what came back, for the lead's page in admin."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse

from campaigns.models import Email, Recipient
from leads.lead_events import LeadEvent

#: Mails and campaigns of one lead that are shown, the newest.
_MOST = 50
#: Moments of a mail and what they mean.
_MOMENTS = (
    ("sent_at", "It was sent {mail}."),
    ("replied_at", "It answered {mail}."),
    ("bounced_at", "Back came {mail}."),
    ("complained_at", "It complained of {mail}."),
)


def events(lead_id: int) -> Iterator[LeadEvent]:
    """Yield the campaigns that took the lead in or left it out, and its mails' fates."""
    recipients = Recipient.objects.filter(lead_id=lead_id).select_related("campaign")
    for recipient in recipients.order_by("-pk")[:_MOST]:
        path = reverse("admin:campaigns_recipient_change", args=[recipient.pk])
        name = recipient.campaign.name
        what = f"The campaign {name} took it in."
        if recipient.state == Recipient.State.SKIPPED:
            what = f"The campaign {name} left it out: {recipient.detail}".strip()
        yield LeadEvent(recipient.created_at, what, path)
    mails = Email.objects.filter(lead_id=lead_id).select_related("campaign")
    mails = mails.exclude(kind=Email.Kind.TEST)
    for mail in mails.order_by("-pk")[:_MOST]:
        path = reverse("admin:campaigns_email_change", args=[mail.pk])
        for moment, sentence in _MOMENTS:
            if at := getattr(mail, moment):
                yield LeadEvent(at, sentence.format(mail=_named(mail)), path)


def _named(mail: Email) -> str:
    if mail.campaign is None:
        return "a mail of its own"
    return f"mail {mail.step} of {mail.campaign.name}"
