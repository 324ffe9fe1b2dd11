"""Split tests: who gets what, what counts, and what a winner changes."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from django.utils import timezone

from campaigns import launching, sequences, split_tests
from campaigns.models import Campaign, Email, Step, TrackingEvent, Variant
from campaigns.sending import send_email
from campaigns.split_rates import Rate
from demos.models import DemoView
from fliptech_site.errors import InvalidInput
from tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(server, make_campaign):
    return make_campaign(port=server.port, state="draft")


@pytest.fixture
def variant(campaign):
    def make(label, step=1, **values):
        return Variant.objects.create(
            campaign=campaign, step=step, label=label, **values
        )

    return make


def counts(step=1):
    emails = Email.objects.filter(step=step).values_list("variant__label", flat=True)
    return {label: list(emails).count(label) for label in set(emails)}


def test_a_launch_divides_the_mails_by_weight(
    campaign, variant, make_lead, make_template, make_account, server
):
    other, sender = make_template(), make_account(server.port)
    variant("A", weight=1)
    variant("B", weight=3, template=other, account=sender)
    for _ in range(60):
        make_lead()

    launching.launch(campaign.pk)

    assert 30 < counts()["B"] < 58
    assert sum(counts().values()) == 60
    for email in Email.objects.select_related("variant"):
        is_b = email.variant.label == "B"
        assert email.template == (other if is_b else campaign.template)
        assert email.account == (sender if is_b else campaign.account)


def test_changed_weights_move_nobody_who_has_a_mail(campaign, variant, make_lead):
    a = variant("A")
    variant("B")
    for _ in range(20):
        make_lead()
    launching.launch(campaign.pk)
    before = dict(Email.objects.values_list("address", "variant__label"))

    type(a).objects.filter(pk=a.pk).update(weight=0)
    for _ in range(5):
        make_lead()
    launching.launch(campaign.pk)

    after = dict(Email.objects.values_list("address", "variant__label"))
    assert {address: after[address] for address in before} == before
    assert {after[address] for address in set(after) - set(before)} == {"B"}


def test_a_variants_subject_stands_in_the_mail(campaign, variant, make_lead, server):
    variant("A", subject="Something for {{ lead.name }}")
    lead = make_lead()
    launching.launch(campaign.pk)

    send_email(Email.objects.get().pk)

    mail = message_from_bytes(server.mails[0][1], policy=default)
    assert mail["Subject"] == f"Something for {lead.name}"


def test_a_variant_that_could_only_fail_is_refused(campaign, variant):
    variant("A", subject="{{ lead.nme }}")

    with pytest.raises(InvalidInput, match="did you mean"):
        launching.request_launch(campaign.pk)


def test_follow_ups_are_divided_on_their_own(
    campaign, variant, make_lead, make_template
):
    Step.objects.create(campaign=campaign, number=2, template=make_template())
    variant("A")
    variant("B")
    variant("short", step=2)
    variant("long", step=2)
    for _ in range(24):
        make_lead()
    launching.launch(campaign.pk)
    for email in Email.objects.all():
        send_email(email.pk)

    sequences.plan_follow_ups()

    pairs = {
        (first.variant.label, Email.objects.get(step=2, recipient=first.recipient_id).variant.label)
        for first in Email.objects.filter(step=1).select_related("variant")
    }  # fmt: skip
    assert len(pairs) == 4


@pytest.fixture
def send_of(campaign, make_email):
    """Mails of a variant that went so many hours ago."""

    def make(variant, count, *, hours=100, **values):
        at = timezone.now() - timedelta(hours=hours)
        return [
            make_email(
                campaign=campaign, variant=variant, state="sent", sent_at=at,
                claimed_at=at, message_id=f"<{variant.pk}-{number}-{hours}@x>", **values,
            )
            for number in range(count)
        ]  # fmt: skip

    return make


def test_each_metric_counts_what_it_names(campaign, variant, send_of):
    a, b = variant("A"), variant("B")
    now = timezone.now()
    first, second, *_ = send_of(a, 4)
    send_of(b, 2, hours=1)
    for target in ("demo", "imprint"):
        TrackingEvent.objects.create(email=first, kind="click", target=target)
    TrackingEvent.objects.create(email=second, kind="click", is_human=False)
    Email.objects.filter(pk=second.pk).update(replied_at=now, bounced_at=now)
    for views, visitor, email in ((1, "person", first), (1, "bot", second)):
        DemoView.objects.create(
            site=email.lead.demo, day=now.date(), visitor=visitor,
            visitor_hash="a" * 32, views=views, last_at=now,
        )  # fmt: skip

    rates = {
        metric: split_tests.rates_of(campaign, [a, b], metric)
        for metric in ("reply", "click", "demo_view", "no_bounce")
    }

    # Those of B are too young to be judged.
    assert rates == {
        "reply": [Rate(1, 4), Rate(0, 0)],
        "click": [Rate(1, 4), Rate(0, 0)],
        "demo_view": [Rate(1, 4), Rate(0, 0)],
        "no_bounce": [Rate(3, 4), Rate(0, 0)],
    }


def test_the_winner_gets_what_is_not_sent_yet(
    campaign, variant, send_of, make_email, make_template
):
    Campaign.objects.update(split_sample=4)
    a, b = variant("A"), variant("B", template=make_template())
    send_of(a, 5)
    for email in send_of(b, 5):
        Email.objects.filter(pk=email.pk).update(replied_at=timezone.now())
    waiting = make_email(campaign=campaign, variant=a)
    tried = make_email(campaign=campaign, variant=a, state="deferred", attempts=1)

    said = split_tests.choose_winners(campaign.pk)

    waiting.refresh_from_db()
    tried.refresh_from_db()
    step = campaign.steps.get()
    assert "B is the best with a probability of 99" in said["steps"]["1"]
    assert step.winner == b
    assert step.winner_reason.startswith("By itself: B is the best")
    assert (waiting.variant, waiting.template) == (b, b.template)
    assert tried.variant == a
    assert split_tests.split_of(campaign, 1).variant_for("new@x.example") == b
    assert split_tests.choose_winners(campaign.pk)["steps"] == {}


def test_a_test_without_enough_mails_stays_open(campaign, variant, send_of):
    a, _ = variant("A"), variant("B")
    send_of(a, 5)

    said = split_tests.choose_winners(campaign.pk)

    assert said["steps"]["1"] == (
        "Too early: B has 0 of the 764 mails that each variant needs."
    )
    assert campaign.steps.get().winner is None


def test_a_winner_is_chosen_by_hand_once(campaign, variant, make_email):
    a, b = variant("A"), variant("B")
    for _ in range(3):
        make_email(campaign=campaign, variant=a)

    assert split_tests.set_winner(b, "Chosen by root.") == 3
    with pytest.raises(InvalidInput, match="has a winner already"):
        split_tests.set_winner(a, "Chosen by root.")


def test_new_mails_go_to_what_works_when_the_campaign_adapts(
    campaign, variant, send_of
):
    a, b = variant("A"), variant("B")
    send_of(a, 12)
    for email in send_of(b, 12):
        Email.objects.filter(pk=email.pk).update(replied_at=timezone.now())
    campaign.split_adapts = True

    split = split_tests.split_of(campaign, 1)

    chosen = [split.variant_for(f"{n}@x.example") for n in range(50)]
    assert chosen.count(b) >= 49


def test_open_tests_of_running_campaigns_are_looked_at(
    campaign, variant, make_campaign
):
    variant("A")
    assert split_tests.enqueue_open_tests() == 0

    running = make_campaign()
    Variant.objects.create(campaign=running, label="A")
    make_campaign(split_decides=False)
    assert split_tests.enqueue_open_tests() == 1
    assert split_tests.enqueue_open_tests() == 1

    task = Task.objects.get(actor="choose_campaign_winner")
    assert task.kwargs == {"campaign_id": running.pk}
