"""Several accounts of one campaign: exact shares, and nobody changes the sender."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns import freezing
from campaigns.batches import send_all
from campaigns.launching import check_launchable
from campaigns.models import CampaignAccount, Email, Recipient
from campaigns.rotation import Rota, Seat, accounts_of
from fliptech_site.errors import InvalidInput
from tasks.models import Task

SEATS = st.lists(
    st.builds(Seat, st.integers(1, 9), st.integers(1, 20), st.integers(0, 5)),
    min_size=1,
    max_size=6,
    unique_by=lambda seat: seat.account_id,
)


@given(SEATS, st.integers(0, 300))
def test_shares_are_exact_to_within_one_recipient_each(seats, count):
    fresh = [seat._replace(taken=0) for seat in seats]
    assigned = Rota(fresh).assign([f"a{n}@x.example" for n in range(count)], {})
    whole = sum(seat.weight for seat in fresh)
    for seat in fresh:
        got = sum(pk == seat.account_id for pk in assigned.values())
        assert abs(got - count * seat.weight / whole) <= max(1, len(fresh) / 2)


@given(SEATS, st.lists(st.integers(0, 40), max_size=60), st.integers(1, 59))
def test_it_does_not_matter_how_recipients_are_cut_into_chunks(seats, numbers, cut):
    addresses = [f"a{n}@x.example" for n in dict.fromkeys(numbers)]
    earlier = {a: 1 + len(a) % 9 for a in addresses[::3]}
    chunked = Rota(seats)
    first = chunked.assign(addresses[:cut], earlier)
    assert first | chunked.assign(addresses[cut:], earlier) == Rota(seats).assign(
        addresses, earlier
    )


@given(SEATS, st.integers(1, 9))
def test_a_person_stays_with_the_first_account_where_it_takes_turns(seats, first):
    assigned = Rota(seats).assign(["bo@b.example"], {"bo@b.example": first})
    if first in {seat.account_id for seat in seats}:
        assert assigned == {"bo@b.example": first}
    else:
        assert assigned["bo@b.example"] in {seat.account_id for seat in seats}


def test_a_hundred_thousand_are_assigned_in_a_moment():
    seats = [Seat(n, n) for n in range(1, 9)]
    addresses = [f"a{n}@x.example" for n in range(100_000)]
    started = time.process_time()
    Rota(seats).assign(addresses, {})
    assert time.process_time() - started < 3


pytest_db = pytest.mark.django_db


@pytest.fixture
def seat(make_account):
    def add(campaign, weight=1, **values):
        account = make_account(**values)
        CampaignAccount.objects.create(
            campaign=campaign, account=account, weight=weight
        )
        return account

    return add


def counts(campaign):
    return {
        account.pk: Email.objects.filter(campaign=campaign, account=account).count()
        for account in accounts_of(campaign)
    }


def freeze(campaign):
    """Freeze the audience of a running campaign, as its growing does."""
    since = timezone.now()
    type(campaign).objects.filter(pk=campaign.pk).update(freezing_since=since)
    return freezing.freeze(campaign.pk, since)


@pytest_db
def test_a_launch_shares_the_recipients_by_weight(make_campaign, make_lead, seat):
    campaign = make_campaign()
    large, small = seat(campaign, 3), seat(campaign, 1)
    for _ in range(8):
        make_lead()

    assert freeze(campaign) == 8
    assert counts(campaign) == {large.pk: 6, small.pk: 2}
    # Not the account of the campaign's own field: it takes no turns.
    assert not Email.objects.filter(account=campaign.account).exists()


@pytest_db
def test_a_campaign_without_a_rotation_has_one_account(make_campaign, make_lead):
    campaign = make_campaign()
    make_lead()
    freeze(campaign)
    assert Email.objects.get().account == campaign.account


@pytest_db
def test_a_later_launch_evens_the_shares_out(make_campaign, make_lead, seat):
    campaign = make_campaign()
    first = seat(campaign)
    for _ in range(3):
        make_lead()
    freeze(campaign)
    second = seat(campaign)
    for _ in range(3):
        make_lead()
    freeze(campaign)
    assert counts(campaign) == {first.pk: 3, second.pk: 3}


@pytest_db
def test_who_was_written_to_before_hears_from_the_same_account(
    make_campaign, make_lead, make_email, seat
):
    campaign = make_campaign()
    accounts = [seat(campaign) for _ in range(3)]
    known, new = make_lead(), make_lead()
    ago = timezone.now() - timedelta(days=90)
    for number, days in ((2, 0), (1, 5)):
        earlier = make_email(lead=known)
        Email.objects.filter(pk=earlier.pk).update(
            account=accounts[number], state="sending", message_id=f"<{number}@x>",
            claimed_at=ago + timedelta(days=days),
        )  # fmt: skip
    # A mail that was never begun binds nobody.
    waiting = make_email(lead=new)
    Email.objects.filter(pk=waiting.pk).update(account=accounts[2])

    freeze(campaign)

    emails = {email.lead_id: email.account for email in campaign.emails.all()}
    assert emails[known.pk] == accounts[2]
    assert emails[new.pk] == accounts[0]


@pytest_db
def test_accounts_that_are_switched_off_take_no_turns(make_campaign, make_lead, seat):
    campaign = make_campaign()
    off, on = seat(campaign, 5, is_enabled=False), seat(campaign)
    make_lead()
    freeze(campaign)
    assert Email.objects.get().account == on

    CampaignAccount.objects.filter(account=on).delete()
    assert off.is_enabled is False
    with pytest.raises(InvalidInput, match="switched off: switch one on"):
        check_launchable(campaign)


@pytest_db
def test_one_account_that_could_not_send_stops_the_launch(make_campaign, seat):
    campaign = make_campaign()
    seat(campaign)
    seat(campaign, smtp_host="192.0.2.1")
    with pytest.raises(InvalidInput, match="TEST_MODE is on"):
        check_launchable(campaign)


@pytest_db
def test_the_number_of_queries_does_not_grow_with_the_recipients(
    make_campaign, make_lead, seat
):
    def queries(leads):
        campaign = make_campaign()
        seat(campaign), seat(campaign)
        for _ in range(leads):
            make_lead()
        with CaptureQueriesContext(connection) as asked:
            freeze(campaign)
        return len(asked)

    assert queries(2) == queries(12)


@pytest_db
def test_a_batch_holds_mails_of_one_account(make_campaign, make_lead, seat):
    campaign = make_campaign()
    accounts = {seat(campaign).pk, seat(campaign).pk}
    for _ in range(6):
        make_lead()
    freeze(campaign)

    told = send_all(campaign.pk)

    assert (told["emails"], told["batches"]) == (6, 2)
    batches = Task.objects.filter(actor="process_campaign_batch")
    for batch in batches:
        emails = Email.objects.filter(pk__in=batch.kwargs["email_ids"])
        assert len(set(emails.values_list("account_id", flat=True)) & accounts) == 1
        assert emails.values("account").distinct().count() == 1


@pytest_db
def test_an_account_takes_turns_once_and_with_some_weight(make_campaign, seat):
    campaign = make_campaign()
    account = seat(campaign)
    for wrong in ({"account": account}, {"account": campaign.account, "weight": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CampaignAccount.objects.create(campaign=campaign, **wrong)
    assert Recipient.objects.count() == 0
