"""Whoever asks why gets one true sentence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.explaining import explain
from campaigns.models import Campaign, Email

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ({"state": "sent", "sent_at": NOON}, "Sent on 06 May 2026 at 12:00 UTC"),
        (
            {"state": "sent", "sent_at": NOON, "detail": "250 kept"},
            "Sent on 06 May 2026 at 12:00 UTC: 250 kept",
        ),
        ({"state": "skipped", "reason": "no_demo"}, "Not sent: no published demo site"),
        ({"state": "sending"}, "Being sent right now."),
        ({"state": "in_doubt", "detail": "It broke."}, "In doubt: It broke."),
        (
            {"state": "failed", "detail": "550 no."},
            "Not sent, and not tried again by itself: 550 no.",
        ),
        (
            {"state": "deferred", "attempts": 3, "detail": "Nothing listens."},
            "Not sent yet, tried 3 times: Nothing listens.",
        ),
        (
            {"state": "waiting"},
            "Not sent yet: it waits for its turn at the account's pace.",
        ),
    ],
)
def test_every_state_has_its_sentence(email, sentence):
    assert explain(Email(**email), Campaign(state="running")) == sentence


def test_a_campaign_that_does_not_run_is_the_reason():
    campaign = Campaign(state="paused", state_reason="Paused by itself. No log-in.")

    assert explain(Email(state="deferred"), campaign) == (
        "Not sent yet: the campaign is paused. Paused by itself. No log-in."
    )
