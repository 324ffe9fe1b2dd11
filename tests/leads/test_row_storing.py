"""A list's rows become leads in one statement, and nothing twice."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from leads import row_storing
from leads.folding import FALLBACK
from leads.merging import Kind
from leads.models import Lead, LeadFact, LeadKey
from leads.refolding import refold
from leads.row_storing import store_rows
from leads.sources.base import ListRow

pytestmark = pytest.mark.django_db
ROW = ListRow("a1", "https://list.example/a1", "Pipes fixed", "Fairview", latitude=38.0, longitude=-122.25)  # fmt: skip


def kinds(rows) -> list[Kind]:
    return [each.kind for each in store_rows("craigslist", rows)]


def test_a_row_is_a_lead_with_its_facts_and_its_key():
    (stored,) = store_rows("craigslist", [ROW])
    lead = Lead.objects.get()
    assert (lead.pk, lead.name, lead.city, lead.latitude) == (
        stored.lead_id, "Pipes fixed", "Fairview", 38.0,
    )  # fmt: skip
    facts = LeadFact.objects.values_list("field", "value", "source", "url")
    assert sorted(facts) == [
        ("city", "Fairview", "craigslist", ROW.url),
        ("latitude", "38.0", "craigslist", ROW.url),
        ("longitude", "-122.25", "craigslist", ROW.url),
        ("name", "Pipes fixed", FALLBACK, ROW.url),
    ]
    assert LeadKey.objects.get().value == "craigslist:a1"


def test_it_is_the_same_lead_as_one_that_was_stored_one_by_one(monkeypatch):
    fast = store_rows("craigslist", [ROW])[0].lead_id
    monkeypatch.setattr(row_storing, "_insert", lambda *_: {})
    slow = store_rows(
        "craigslist", [ROW._replace(key="b2", url="https://list.example/b2")]
    )[0]
    fields = [f.name for f in Lead._meta.concrete_fields if f.name not in ("id", "first_seen_at", "updated_at")]  # fmt: skip
    one, other = (
        Lead.objects.values(*fields).get(pk=pk) for pk in (fast, slow.lead_id)
    )
    assert one == other
    lead = Lead.objects.get(pk=fast)
    refold(lead)
    assert (lead.name, lead.latitude) == ("Pipes fixed", 38.0)


def test_rows_keep_their_order_whoever_is_known():
    rows = [
        ROW._replace(key=f"k{n}", url=f"https://list.example/{n}") for n in range(6)
    ]
    store_rows("craigslist", rows[::2])
    stored = store_rows("craigslist", rows)
    assert [each.kind for each in stored] == [Kind.KNOWN, Kind.CREATED] * 3
    keys = dict(LeadKey.objects.values_list("value", "lead_id"))
    assert [each.lead_id for each in stored] == [
        keys[f"craigslist:k{n}"] for n in range(6)
    ]


def test_a_row_without_a_place_or_a_title_says_nothing_of_them():
    assert kinds([ListRow("a1", "https://list.example/a1", "")]) == [Kind.CREATED]
    assert Lead.objects.get().name == "craigslist a1"
    assert LeadFact.objects.get().field == "name"


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_the_same_moment_store_a_row_once(monkeypatch):
    insert = row_storing._insert

    def other_worker() -> None:
        store_rows("craigslist", [ROW])
        connection.close()

    def late(*arguments):
        monkeypatch.setattr(row_storing, "_insert", insert)
        thread = threading.Thread(target=other_worker)
        thread.start()
        thread.join()
        # The snapshot of a statement that began before the other worker's commit.
        blind = row_storing._STATEMENT.replace(
            "WHERE NOT EXISTS", "WHERE true OR EXISTS"
        )
        monkeypatch.setattr(row_storing, "_STATEMENT", blind)
        row_storing._statement.cache_clear()
        return insert(*arguments)

    monkeypatch.setattr(row_storing, "_insert", late)
    try:
        assert kinds([ROW]) == [Kind.KNOWN]
    finally:
        row_storing._statement.cache_clear()
    assert Lead.objects.count() == LeadKey.objects.count() == 1


def test_no_rows_are_no_leads():
    assert store_rows("craigslist", []) == []
