"""A lead's page tells what was written to it and what came back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from campaigns.lead_events import events
from campaigns.models import Email, Recipient

pytestmark = pytest.mark.django_db


def test_a_mail_is_told_with_what_came_of_it(make_email):
    mail = make_email()
    Email.objects.filter(pk=mail.pk).update(
        sent_at=timezone.now(), replied_at=timezone.now()
    )
    told = list(events(mail.lead_id))
    name = mail.campaign.name
    mails = [each for each in told if "mail" in each.what]
    assert [each.what for each in mails] == [
        f"It was sent mail 1 of {name}.", f"It answered mail 1 of {name}.",
    ]  # fmt: skip
    assert mails[0].path == f"/admin/campaigns/email/{mail.pk}/change/"


def test_who_is_left_out_is_told_why(make_campaign, make_lead):
    campaign, lead = make_campaign(), make_lead()
    Recipient.objects.create(
        campaign=campaign, lead=lead, state="skipped", reason="suppressed",
        detail="It asked for no mail.",
    )  # fmt: skip
    (event,) = events(lead.pk)
    assert event.what == (
        f"The campaign {campaign.name} left it out: It asked for no mail."
    )


def test_mail_to_oneself_is_no_event_of_a_lead(make_email):
    mail = make_email()
    Email.objects.filter(pk=mail.pk).update(
        kind="test", campaign=None, recipient=None, sent_at=timezone.now()
    )
    assert not [each for each in events(mail.lead_id) if "sent" in each.what]
