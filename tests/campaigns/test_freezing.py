"""The audience is frozen piece by piece: it can be stopped, go on and grow, and is exact."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns import freezing, launching
from campaigns.models import Campaign, Email, Recipient
from fliptech_site.errors import InvalidInput

pytestmark = pytest.mark.django_db


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(freezing, "_CHUNK", 2)


@pytest.fixture
def after_chunk(monkeypatch, small_chunks):
    """Call a function after the first chunk was committed."""

    def after(act):
        whole, calls = freezing._freeze_chunk, []

        def chunk(*args):
            result = whole(*args)
            if not calls:
                calls.append(1)
                act()
            return result

        monkeypatch.setattr(freezing, "_freeze_chunk", chunk)

    return after


def included():
    return Recipient.objects.filter(state="included").count()


class Killed(BaseException):
    """Ends a run where it stands."""


def kill():
    raise Killed


def test_a_launch_that_was_killed_goes_on_where_it_was(
    make_campaign, make_lead, after_chunk
):
    for _ in range(5):
        make_lead()
    make_lead(email="")
    campaign = make_campaign(state="draft")
    after_chunk(kill)
    with pytest.raises(Killed):
        launching.launch(campaign.pk)
    campaign.refresh_from_db()
    first = set(Email.objects.values_list("pk", flat=True))
    assert (campaign.state, len(first)) == ("launching", 2)

    result = launching.launch(campaign.pk)

    assert (result["state"], result["new"], result["skipped"]) == ("running", 3, 1)
    assert first < set(Email.objects.values_list("pk", flat=True))
    assert (included(), Email.objects.count()) == (5, 5)


def test_what_was_skipped_before_the_kill_is_not_asked_again(
    make_campaign, make_lead, after_chunk, monkeypatch
):
    make_lead(email="", score=99)
    make_lead(email="", score=98)
    make_lead()
    campaign = make_campaign(state="draft")
    after_chunk(kill)
    with pytest.raises(Killed):
        launching.launch(campaign.pk)
    asked = []
    monkeypatch.setattr(
        freezing, "_freeze_chunk", lambda *args: asked.append(args[2]) or 0
    )

    launching.launch(campaign.pk)

    assert [len(chunk) for chunk in asked] == [1]


@pytest.mark.parametrize(
    ("halt", "state"), [(launching.pause, "paused"), (launching.cancel, "cancelled")]
)
def test_a_halt_takes_effect_in_the_middle_of_a_launch(
    halt, state, make_campaign, make_lead, after_chunk
):
    for _ in range(5):
        make_lead()
    campaign = make_campaign(state="draft")
    after_chunk(lambda: halt(campaign.pk))

    result = launching.launch(campaign.pk)

    assert (result["state"], Email.objects.count()) == (state, 2)


def test_a_paused_launch_goes_on_when_it_is_resumed(
    make_campaign, make_lead, after_chunk
):
    for _ in range(5):
        make_lead()
    campaign = make_campaign(state="draft")
    after_chunk(lambda: launching.pause(campaign.pk))
    launching.launch(campaign.pk)

    launching.resume(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.state == "launching"
    launching.launch(campaign.pk)

    campaign.refresh_from_db()
    assert (campaign.state, included()) == ("running", 5)
    assert campaign.freezing_since is None
    assert campaign.frozen_at is not None


def test_two_runs_at_once_write_each_lead_once(make_campaign, make_lead, after_chunk):
    for _ in range(5):
        make_lead()
    make_lead(email="twin@x.example", score=70)
    make_lead(email="twin@x.example", score=60)
    campaign = make_campaign(state="draft")
    after_chunk(lambda: launching.launch(campaign.pk))

    launching.launch(campaign.pk)

    assert (included(), Email.objects.count()) == (6, 6)
    assert Recipient.objects.get(state="skipped").reason == "already_mailed"


def test_twins_in_different_chunks_are_written_to_once(
    make_campaign, make_lead, small_chunks
):
    worse = make_lead(email="twin@x.example", score=60)
    for _ in range(3):
        make_lead()
    make_lead(email="twin@x.example", score=90)
    campaign = make_campaign(state="draft")

    launching.launch(campaign.pk)

    assert Recipient.objects.get(lead=worse).reason == "already_mailed"


def test_a_running_campaign_grows_by_what_qualifies_now(make_campaign, make_lead):
    late = make_lead(score=None)
    make_lead()
    campaign = make_campaign(state="draft")
    launching.launch(campaign.pk)

    type(late).objects.filter(pk=late.pk).update(score=70)
    assert launching.launch(campaign.pk)["new"] == 1
    assert launching.launch(campaign.pk)["new"] == 0

    assert included() == 2


def test_only_the_filtered_audience_is_considered(make_campaign, make_lead):
    wanted = make_lead(
        category="Bakery", city="Bonn", country="US", audit={"is_https": False}
    )
    for other in (
        {"category": "Bar"}, {"city": "Cologne"}, {"score": 91}, {"country": "CA"},
        {"audit": {"is_https": True}},
    ):  # fmt: skip
        fields = {"category": "Bakery", "city": "Bonn", "country": "US"}
        make_lead(**{**fields, "audit": {"is_https": False}, **other})
    campaign = make_campaign(
        state="draft",
        audience={
            "category": ["Bakery", "Café"], "city": "Bonn", "country": "US",
            "max_score": 90, "audit": ["!is_https"],
        },
    )  # fmt: skip

    launching.launch(campaign.pk)

    assert Recipient.objects.get().lead == wanted


@pytest.mark.parametrize(
    ("audience", "sentence"),
    [
        ({"colour": "red"}, "'colour' is no filter of an audience"),
        ({"ids": [1]}, "'ids' is no filter of an audience"),
        ({"min_score": "many"}, "'many' is no whole number"),
        ({"audit": ["is_pretty"]}, "'is_pretty' is no finding of a visit"),
        (["city"], "An audience is an object of filters"),
    ],
)
def test_an_audience_that_nothing_understands_is_refused(
    audience, sentence, make_campaign
):
    campaign = make_campaign(state="draft", audience=audience)

    with pytest.raises(ValidationError, match=sentence):
        campaign.clean()
    with pytest.raises(InvalidInput, match=sentence):
        launching.launch(campaign.pk)


def test_who_has_to_consent_first_is_skipped_and_says_so(make_campaign, make_lead):
    make_lead(name="Miller Baking Ltd", country="GB")
    make_lead(name="Joe the baker", country="United Kingdom")
    make_lead(name="Jane the baker", country="GB", legal_basis="consent")
    make_lead(name="Bäckerei Kraus GmbH", country="Germany")
    make_lead(name="Corner Bakery", country="US")
    make_lead(name="Nowhere Bakery", country="", phone="", website="")
    strict = make_campaign(state="draft", consent_rule="always")
    free = make_campaign(state="draft", consent_rule="never")
    usual = make_campaign(state="draft")

    assert _names(strict) == {"Jane the baker"}
    assert len(_names(free)) == 6
    launching.launch(usual.pk)
    assert set(
        Recipient.objects.filter(campaign=usual, reason="no_consent").values_list(
            "lead__name", flat=True
        )
    ) == {"Joe the baker", "Bäckerei Kraus GmbH"}
    skipped = Recipient.objects.get(campaign=usual, lead__name="Joe the baker")
    assert skipped.detail.startswith("In GB whoever is not known to be a company")


def _names(campaign):
    launching.launch(campaign.pk)
    rows = Recipient.objects.filter(campaign=campaign, state="included")
    return set(rows.values_list("lead__name", flat=True))


def test_a_fence_keeps_out_a_run_that_slept(make_campaign, make_lead):
    make_lead()
    campaign = make_campaign(state="draft")
    launching.launch(campaign.pk)
    make_lead()

    assert freezing.freeze(campaign.pk, timezone.now() - timedelta(minutes=9)) == 0
    assert included() == 1
    assert Campaign.objects.get().frozen_at is not None


def test_freezing_asks_as_often_for_many_as_for_few(make_campaign, make_lead):
    def queries(count):
        for _ in range(count):
            make_lead()
        campaign = make_campaign(state="draft", quiet_days=0)
        with CaptureQueriesContext(connection) as asked:
            assert launching.launch(campaign.pk)["new"] >= count
        return len(asked)

    assert queries(3) == queries(27)
