"""Figures, metrics, pace and secrets."""

from __future__ import annotations

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns import measuring, metrics, sealing
from campaigns.models import Email, TrackingEvent
from campaigns.pacing import batches_of, rate_of
from campaigns.states import SkipReason
from campaigns.writing import enqueue_single, write_single
from fliptech_site.errors import InvalidInput, PermanentError
from tasks.declaring import load_actors
from tasks.models import Task


@given(per_minute=st.integers(1, 600_000))
def test_a_pace_is_kept_to_within_two_percent_and_never_exceeded(per_minute):
    rate = rate_of(per_minute)

    # The slot after a minute's worth, as early as the slack lets it come.
    next_one = per_minute * rate.interval_seconds - rate.slack_seconds
    assert next_one >= 60 - 1e-6
    assert 60 / rate.interval_seconds >= per_minute * 0.98


@given(per_minute=st.integers(1, 600_000))
def test_what_is_planned_for_one_moment_leaves_half_of_the_slack(per_minute):
    rate = rate_of(per_minute)

    assert (rate.at_once - 1) * rate.interval_seconds <= rate.slack_seconds / 2 + 1e-9


@given(st.lists(st.integers(), max_size=200), st.integers(1, 50))
def test_batches_lose_nothing_and_stay_small(ids, size):
    batches = batches_of(ids, size)

    assert [i for batch in batches for i in batch] == ids
    assert all(0 < len(batch) <= size for batch in batches)


@given(secret=st.text(st.characters(codec="utf-8"), max_size=100))
def test_a_sealed_secret_opens_again_and_shows_nothing(secret):
    sealed = sealing.seal(secret)

    assert sealing.unseal(sealed) == secret
    assert len(secret) < 8 or secret not in sealed


def test_keys_rotate_and_a_lost_key_is_one_sentence(settings):
    settings.FIELD_KEYS = ["old"]
    sealed = sealing.seal("secret")

    settings.FIELD_KEYS = ["new", "old"]
    assert sealing.unseal(sealed) == "secret"
    settings.FIELD_KEYS = ["new"]
    with pytest.raises(PermanentError, match="or type it again"):
        sealing.unseal(sealed)


def send(email, when):
    Email.objects.filter(pk=email.pk).update(
        state="sending", message_id=f"<{email.pk}@x>", claimed_at=when
    )
    Email.objects.filter(pk=email.pk).update(state="sent", sent_at=when)


@pytest.mark.django_db
class TestRows:
    def test_figures_count_each_mail_once(self, make_campaign, make_email):
        campaign = make_campaign()
        emails = [make_email(campaign=campaign) for _ in range(3)]
        for email in emails[:2]:
            send(email, timezone.now())
        for is_human in (True, False):
            TrackingEvent.objects.create(
                email=emails[0], kind="open", is_human=is_human
            )
        TrackingEvent.objects.create(email=emails[1], kind="open", is_human=False)

        before = measuring.figures_of([campaign.pk])
        measuring.update_figures()

        after = measuring.figures_of([campaign.pk])
        assert before == after == {
            campaign.pk: {
                "emails": {"sent": 2, "waiting": 1}, "skipped": {},
                "events": {"opened": 1, "opened_by_machine": 2},
            }
        }  # fmt: skip

    def test_metrics_show_every_state_also_the_empty_ones(self, make_email):
        make_email()

        found = {metric.name: metric for metric in metrics.collect()}

        emails = {
            sample.labels["state"]: sample.value
            for sample in found["fliptech_campaigns_emails"].samples
        }
        assert emails["waiting"] == 1
        assert emails["in_doubt"] == 0
        skipped = found["fliptech_campaigns_recipients_skipped"].samples
        assert len(skipped) == len(SkipReason)

    def test_a_single_mail_is_written_once_and_enqueued_once(
        self, make_lead, make_template, make_account
    ):
        lead, template, account = make_lead(), make_template(), make_account()
        email = write_single(lead, template, account, request_key="single:click-1")

        again = write_single(lead, template, account, request_key="single:click-1")
        enqueue_single(email)
        enqueue_single(again)

        assert again == email
        assert Task.objects.get().kwargs == {"email_id": email.pk}
        with pytest.raises(InvalidInput, match="correct the lead's e-mail"):
            write_single(make_lead(email=""), template, account)


def test_every_actor_of_the_specification_has_its_queue_and_time():
    actors = load_actors()
    emails = [
        "send_single_email", "send_batch_emails", "send_campaign_email",
        "retry_failed_emails", "send_test_email",
    ]  # fmt: skip
    campaigns = [
        "send_campaign_emails", "process_campaign_batch", "launch_campaign_async",
        "process_scheduled_campaigns", "update_campaign_metrics",
        "generate_daily_analytics", "pause_campaign_async", "resume_campaign_async",
    ]  # fmt: skip

    assert {
        (actors[n].queue_name, actors[n].options["time_limit"]) for n in emails
    } == {("email", 120_000)}
    assert {
        (actors[n].queue_name, actors[n].options["time_limit"]) for n in campaigns
    } == {("default", 900_000)}
