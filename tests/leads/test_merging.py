"""One business is one lead, whoever finds it when."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from fliptech_site.errors import InvalidInput
from leads.merging import Kind, store_person_edit, store_record, surviving_id
from leads.models import Lead, LeadFact, LeadKey, LeadMerge
from leads.records import LeadRecord

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def record(source="craigslist", url="https://list.example/1", at=NOW, **values):
    listing_key = values.pop("listing_key", "")
    fallback_name = values.pop("fallback_name", "")
    return LeadRecord(
        values=values,
        source=source,
        url=url,
        fetched_at=at,
        listing_key=listing_key,
        fallback_name=fallback_name,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "shared",
    [
        {"website": "https://www.rosas.example/menu"},
        {"phone": "707 555 0123"},
        {"name": "ROSAS BAKERY", "city": "Fairview"},
    ],
)
def test_the_same_website_phone_or_name_in_a_city_is_one_lead(shared):
    first = store_record(
        record(
            name="Rosa's Bakery",
            city="Fairview",
            phone="(707) 555-0123",
            website="http://rosas.example",
        )
    )
    other = {"name": "Somebody", "url": "https://list.example/2"} | shared
    second = store_record(record(**other))
    assert (second.lead_id, second.kind) == (first.lead_id, Kind.MERGED)
    merge = LeadMerge.objects.get()
    assert (merge.lead_id, merge.name) == (first.lead_id, other["name"])
    assert LeadFact.objects.filter(url="https://list.example/2").exists()


@pytest.mark.django_db
def test_another_business_is_another_lead():
    one = store_record(record(name="Rosa's", city="Fairview", phone="+17075550123"))
    two = store_record(record(name="Rosa's", city="Ely", phone="+17075550124"))
    assert one.lead_id != two.lead_id


@pytest.mark.django_db
def test_storing_a_record_again_changes_nothing():
    one = record(name="Rosa's", city="Fairview", listing_key="craigslist:abc")
    first = store_record(one)
    counts = [model.objects.count() for model in (Lead, LeadFact, LeadKey, LeadMerge)]
    assert first.kind == Kind.CREATED
    assert store_record(one).kind == Kind.KNOWN
    assert counts == [
        model.objects.count() for model in (Lead, LeadFact, LeadKey, LeadMerge)
    ]


@pytest.mark.django_db
def test_a_record_that_belongs_to_two_leads_makes_them_one():
    one = store_record(record(name="Rosa's", city="Fairview", listing_key="c:1"))
    two = store_record(
        record(name="Bakery R.", phone="+17075550123", url="u2", listing_key="c:2")
    )
    joined = store_record(
        record(
            "website",
            "https://rosas.example",
            name="Rosa's Bakery",
            phone="+17075550123",
        ),
        lead_id=one.lead_id,
    )
    assert joined.lead_id == one.lead_id
    absorbed = Lead.objects.get(pk=two.lead_id)
    assert absorbed.merged_into_id == one.lead_id
    assert list(Lead.objects.active()) == [Lead.objects.get(pk=one.lead_id)]
    assert set(LeadKey.objects.values_list("lead_id", flat=True)) == {one.lead_id}
    assert LeadFact.objects.filter(lead=one.lead_id, url="u2").exists()
    assert LeadMerge.objects.get().absorbed == absorbed
    # The listing of the absorbed lead leads to the one that stays.
    again = store_record(record(name="Bakery R.", url="u2", listing_key="c:2"))
    assert again.lead_id == one.lead_id


@pytest.mark.django_db
def test_a_record_about_an_absorbed_lead_reaches_the_one_that_stays():
    one = store_record(record(name="A", phone="+17075550123"))
    two = store_record(record(name="B", url="u2", website="http://b.example"))
    store_record(record("website", "u3", phone="+17075550123"), lead_id=two.lead_id)
    stored = store_record(
        record("website", "u4", email="x@b.example"), lead_id=two.lead_id
    )
    assert stored.lead_id == one.lead_id
    assert Lead.objects.get(pk=one.lead_id).email == "x@b.example"


@pytest.mark.django_db
def test_the_most_credible_source_names_the_field_and_all_are_kept():
    stored = store_record(
        record(
            name="Rosa", city="Fairview", phone="+17075550123", fallback_name="Cakes!"
        )
    )
    lead_id = stored.lead_id
    store_record(record("website", "w", name="Rosa's Bakery"), lead_id=lead_id)
    later = NOW + timedelta(days=1)
    store_record(record(url="l2", at=later, name="Rosa 2", phone="+17075550123"))
    assert Lead.objects.get(pk=lead_id).name == "Rosa's Bakery"
    named = LeadFact.objects.filter(lead=lead_id, field="name")
    assert set(named.values_list("source", "value")) == {
        ("craigslist", "Rosa"),
        ("craigslist", "Rosa 2"),
        ("website", "Rosa's Bakery"),
        ("headline", "Cakes!"),
    }


@pytest.mark.django_db
def test_what_a_person_typed_is_not_overwritten():
    stored = store_record(record(name="Rosa", city="Fairview", email="a@b.example"))
    lead = Lead.objects.get(pk=stored.lead_id)
    lead.name, lead.email = "Rosa & Sons", ""
    lead.save()
    store_person_edit(lead, ["name", "email"])
    store_record(record("website", "w", name="X", email="c@d.example"), lead_id=lead.pk)
    lead.refresh_from_db()
    assert (lead.name, lead.email) == ("Rosa & Sons", "")


@pytest.mark.django_db
def test_a_headline_names_a_business_until_somebody_says_its_name():
    stored = store_record(record(fallback_name="Cheap cakes", listing_key="c:1"))
    assert Lead.objects.get(pk=stored.lead_id).name == "Cheap cakes"
    store_record(record("website", "w", name="Rosa's"), lead_id=stored.lead_id)
    assert Lead.objects.get(pk=stored.lead_id).name == "Rosa's"


@pytest.mark.django_db
def test_a_business_without_a_name_is_refused():
    with pytest.raises(InvalidInput, match="has no name"):
        store_record(record(phone="+17075550123"))


@pytest.mark.django_db
def test_a_lead_that_is_gone_is_refused():
    with pytest.raises(InvalidInput, match="no lead 4711"):
        store_record(record(name="x"), lead_id=4711)


def _store_at_once(records) -> list[Exception]:
    """Store every record in a thread of its own, all starting together."""
    start = threading.Barrier(len(records))
    errors = []

    def work(each):
        try:
            start.wait(10)
            store_record(each)
        except Exception as error:  # noqa: BLE001 - handed to the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(each,)) for each in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return errors


@pytest.mark.django_db(transaction=True)
def test_workers_that_find_one_business_at_once_make_one_lead():
    records = [
        record(
            url=f"https://list.example/{number}",
            name=f"Name {number}",
            phone="+17075550123",
            listing_key=f"c:{number}",
        )
        for number in range(12)
    ]
    assert _store_at_once(records) == []
    assert Lead.objects.count() == 1
    assert LeadKey.objects.filter(kind="phone").count() == 1
    assert LeadMerge.objects.count() == 11


@pytest.mark.django_db(transaction=True)
def test_chains_of_matches_found_at_once_end_in_one_active_lead():
    """Each record shares the phone of one and the website of the next."""
    records = [
        record(
            url=f"u{number}",
            name=f"Name {number}",
            phone=f"+1707555{100 + number:04d}",
            website=f"http://site-{number + 1}.example",
        )
        for number in range(6)
    ] + [
        record(
            url=f"v{number}",
            name=f"Other {number}",
            phone=f"+1707555{100 + number:04d}",
            website=f"http://site-{number}.example",
        )
        for number in range(6)
    ]
    assert _store_at_once(records) == []
    active = Lead.objects.active()
    assert active.count() == 1
    assert set(LeadKey.objects.values_list("lead_id", flat=True)) == {active.get().pk}
    merged = Lead.objects.filter(merged_into__isnull=False)
    assert {surviving_id(lead.pk) for lead in merged} == {active.get().pk}


@pytest.mark.django_db
def test_the_database_refuses_a_key_with_two_leads():

    one, two = (Lead.objects.create(name=name) for name in "ab")
    LeadKey.objects.create(lead=one, kind="phone", value="+17075550123")
    with pytest.raises(IntegrityError), transaction.atomic():
        LeadKey.objects.create(lead=two, kind="phone", value="+17075550123")
