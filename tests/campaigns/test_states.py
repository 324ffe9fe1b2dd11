"""The database refuses what the tables of states don't allow."""

from __future__ import annotations

from itertools import product

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from campaigns.models import Campaign, Email
from campaigns.states import (
    CAMPAIGN_TRANSITIONS,
    EMAIL_TRANSITIONS,
    CampaignState,
    EmailState,
    campaign_sources_of,
    sources_of,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("old", "new"), list(product(EmailState, EmailState)))
def test_an_email_moves_only_as_its_table_says(old, new, make_email):
    now = timezone.now()
    full = {
        "message_id": "<1@x>",
        "claimed_at": now,
        "data_started_at": now,
        "sent_at": now,
    }
    email = make_email(
        state=old, reason="suppressed" if old == "skipped" else "", **full
    )
    change = {"state": new, "reason": "suppressed" if new == "skipped" else ""}

    if new == old or new in EMAIL_TRANSITIONS[old]:
        assert Email.objects.filter(pk=email.pk).update(**change) == 1
        assert new == old or old in sources_of(new)
    else:
        with pytest.raises(IntegrityError, match=f"may not move from {old} to {new}"), transaction.atomic():  # fmt: skip
            Email.objects.filter(pk=email.pk).update(**change)


@pytest.mark.parametrize(("old", "new"), list(product(CampaignState, CampaignState)))
def test_a_campaign_moves_only_as_its_table_says(old, new, make_campaign):
    now = timezone.now()
    campaign = make_campaign(state=old, scheduled_at=now, freezing_since=now)

    if new == old or new in CAMPAIGN_TRANSITIONS[old]:
        assert Campaign.objects.filter(pk=campaign.pk).update(state=new) == 1
        assert new == old or old in campaign_sources_of(new)
    else:
        with pytest.raises(IntegrityError, match=f"may not move from {old} to {new}"), transaction.atomic():  # fmt: skip
            Campaign.objects.filter(pk=campaign.pk).update(state=new)


@pytest.mark.parametrize(
    "values",
    [
        {"state": "invented"},
        {"state": "sending"},
        {"state": "sent", "message_id": "<1@x>", "claimed_at": timezone.now()},
        {"state": "in_doubt", "message_id": "<1@x>", "claimed_at": timezone.now()},
        {"state": "skipped"},
        {"state": "waiting", "reason": "suppressed"},
        {"kind": "single"},
    ],
)
def test_a_row_that_tells_no_true_story_is_refused(values, make_email):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_email(**values)


def test_one_address_has_one_mail_per_campaign_and_step(make_email):
    email = make_email()
    email.pk = None

    with pytest.raises(IntegrityError, match="campaigns_email_uniq"), transaction.atomic():  # fmt: skip
        email.save(force_insert=True)
    email.step = 2
    email.save(force_insert=True)


def test_two_mails_never_share_a_message_id(make_email):
    make_email(message_id="<1@x>")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_email(message_id="<1@x>")
