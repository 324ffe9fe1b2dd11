"""Leads that are one business are found, joined, parted again; and nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from fliptech_site.errors import InvalidInput
from leads.absorbing import absorb, undo_merge
from leads.bulk_absorbing import Joining, absorb_pairs
from leads.merging import store_person_edit, store_record
from leads.models import (
    Fetch,
    Lead,
    LeadBlock,
    LeadFact,
    LeadKey,
    LeadMerge,
    LeadPair,
    Posting,
)
from leads.records import LeadRecord
from leads.reviewing import join, merge_pair, part_pair
from leads.table_matching import match_leads

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def found(url="u1", source="craigslist", **values) -> Lead:
    stored = store_record(LeadRecord(values, source, url, NOW))
    return Lead.objects.get(pk=stored.lead_id)


def rosa() -> Lead:
    return found(
        name="Rosa's Bakery", street="12 Main St", city="Fairview", phone="+17075550123"
    )


def twin() -> Lead:
    """The same business as another source spells it; no key of both is equal."""
    return found("u2", name="ROSA BAKERY INC", street="12 Main Street", city="Fairview")


def test_leads_that_are_alike_are_merged_and_the_reason_is_kept():
    one, other = rosa(), twin()
    report = match_leads()
    assert (report.compared, report.merged, report.waiting) == (3, 1, 0)
    other.refresh_from_db()
    assert other.merged_into == one
    merge = LeadMerge.objects.get()
    assert (merge.key_kind, merge.source) == ("likeness", "matching")
    assert "same address" in merge.key_value
    assert not LeadBlock.objects.filter(lead=other).exists()


def test_three_listings_of_one_business_become_one_lead():
    one = rosa()
    twin()
    found("u3", name="Rosa's Bakerey", street="12 Main St.", city="Fairview")
    report = match_leads()
    assert (report.merged, report.waiting) == (2, 0)
    assert Lead.objects.active().get() == one
    assert match_leads().compared == 0


def test_only_new_and_changed_leads_are_compared(django_assert_max_num_queries):
    rosa()
    assert match_leads().compared == 1
    with django_assert_max_num_queries(4):
        assert match_leads().compared == 0
    lead = twin()
    lead.street = "900 Oak Ave"
    lead.save()
    assert match_leads().compared == 1
    # The address is what kept them apart.
    assert match_leads().merged == 0
    lead.street = "12 Main Street"
    lead.save()
    assert match_leads().merged == 1


def test_a_chain_is_many_leads():
    for number in range(4):
        found(
            f"c{number}",
            name="Taco Fiesta",
            city="Ely",
            street=f"{number + 7}00 Elm St",
        )
    assert match_leads().merged == 0
    assert Lead.objects.active().count() == 4


def pair() -> LeadPair:
    one = rosa()
    other = found("u3", name="Golden Spoon", street="12 Main St", city="Fairview")
    # A telephone that both have can't be a key of both; as fields they may be equal.
    Lead.objects.filter(pk=other.pk).update(phone=one.phone)
    report = match_leads()
    assert (report.merged, report.doubtful) == (0, 1)
    return LeadPair.objects.get()


def test_a_doubtful_pair_waits_for_a_person_and_is_merged_by_one():
    waiting = pair()
    assert "same phone" in waiting.reasons
    merge_pair(waiting, user_id=None)
    waiting.refresh_from_db()
    assert waiting.state == "merged"
    assert Lead.objects.active().count() == 1
    with pytest.raises(InvalidInput, match="was merged meanwhile"):
        merge_pair(waiting, user_id=None)
    with pytest.raises(InvalidInput, match="undo the merge"):
        part_pair(waiting, user_id=None)


def test_what_a_person_kept_apart_stays_apart_whatever_comes():
    waiting = pair()
    part_pair(waiting, user_id=None)
    Lead.objects.filter(pk=waiting.other_id).update(name="Rosa's Bakery")
    Lead.objects.get(pk=waiting.other_id).save()
    assert match_leads().merged == 0
    # Not even a record with a key of both joins them.
    stored = store_record(
        LeadRecord(
            {"phone": "+17075550123", "name": "Golden Spoon", "city": "Fairview",
             "street": "12 Main St"},
            "import", "file:x.csv", NOW,
        )
    )  # fmt: skip
    assert stored.lead_id == waiting.one_id
    assert Lead.objects.active().count() == 2
    assert LeadPair.objects.get().state == "apart"


def test_a_pair_that_became_unlike_leaves_the_list():
    waiting = pair()
    other = waiting.other
    other.street, other.city, other.phone = "900 Oak Ave", "Ely", ""
    other.save()
    match_leads()
    assert not LeadPair.objects.exists()


def test_a_merge_is_undone_once_and_never_made_again():
    one, other = rosa(), twin()
    match_leads()
    merge = LeadMerge.objects.get()
    undo_merge(merge, user_id=None)
    assert set(Lead.objects.active()) == {one, other}
    with pytest.raises(InvalidInput, match="can't be undone"):
        undo_merge(merge, user_id=None)
    assert match_leads().merged == 0
    assert Lead.objects.active().count() == 2


def test_a_merge_below_another_one_waits_for_that():
    one, two, three = (Lead.objects.create(name=name) for name in "abc")
    why = {"key_kind": "likeness", "key_value": "", "source": "matching"}
    below = absorb(two, three, **why)
    above = absorb(one, two, **why)
    with pytest.raises(InvalidInput, match="undo that merge first"):
        undo_merge(below, user_id=None)
    undo_merge(above, user_id=None)
    undo_merge(below, user_id=None)
    assert Lead.objects.active().count() == 3


def test_what_came_after_a_merge_stays_with_the_lead_that_stayed():
    one, other = rosa(), twin()
    match_leads()
    store_record(
        LeadRecord({"email": "a@b.example"}, "website", "w", NOW), lead_id=one.pk
    )
    undo_merge(LeadMerge.objects.get(), user_id=None)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.email, other.email) == ("a@b.example", "")


def everything():
    """All rows that a merge touches, but for when they were touched."""
    return {
        model.__name__: sorted(model.objects.values_list(*fields), key=repr)
        for model, fields in (
            (Lead, ["pk", "merged_into", *Lead(name="x").as_facts()]),
            (LeadKey, ["pk", "lead", "kind", "value"]),
            (LeadFact, ["pk", "lead", "field", "value", "source", "url"]),
            (Posting, ["pk", "lead"]),
            (Fetch, ["pk", "lead"]),
        )
    }


def records():
    """What is remembered of merges, but for ids and when they were made."""
    merges = LeadMerge.objects.filter(absorbed__isnull=False).values(
        "lead", "absorbed", "name", "key_kind", "key_value", "source", "url", "moved"
    )
    for each in merges:
        for rows in ("keys", "facts", "postings", "fetches"):
            each["moved"][rows].sort()
    pairs = LeadPair.objects.values("one", "other", "bits", "reasons", "state")
    return list(merges), list(pairs)


_fields = st.dictionaries(
    st.sampled_from(["city", "street", "email", "phone", "website", "latitude"]),
    st.sampled_from(["", "a", "b", "1.5"]),
)
_leads = st.lists(
    st.tuples(
        st.sampled_from(["website", "import", "craigslist"]),
        st.sampled_from(["u1", "u2", "u3"]),
        _fields,
        st.sampled_from(["", "city", "email"]),
    ),
    min_size=1,
    max_size=3,
)


class UndoTest(TestCase):
    @hypothesis_settings(max_examples=25, deadline=None)
    @given(_leads, _leads)
    def test_merging_and_undoing_leaves_everything_as_it_was(self, one, other):
        leads = [self.make(number, said) for number, said in enumerate((one, other))]
        before = everything()
        merge = absorb(*leads, key_kind="likeness", key_value="", source="matching")
        assert everything() != before
        undo_merge(merge, user_id=None)
        assert everything() == before

    @hypothesis_settings(max_examples=25, deadline=None)
    @given(_leads, _leads)
    def test_merging_many_at_once_leaves_what_merging_one_pair_does(self, one, other):
        lead, gone = (self.make(n, said) for n, said in enumerate((one, other)))
        before, reasons = everything(), ("same name",)
        with transaction.atomic():
            join(lead, gone, reasons, 9.5)
            wanted = everything(), records()
            transaction.set_rollback(True)
        leads = (Lead.objects.get(pk=each.pk) for each in (lead, gone))
        absorb_pairs([Joining(*leads, reasons, 9.5)])
        assert (everything(), records()) == wanted
        undo_merge(LeadMerge.objects.get(absorbed=gone), user_id=None)
        assert everything() == before

    def make(self, number, said) -> Lead:
        lead = Lead.objects.create(name=f"Lead {number}", city="typed", latitude=number)
        Posting.objects.create(source="s", key=str(number), url="u", lead=lead)
        Fetch.objects.create(url="u", host="h", lead=lead)
        for source, url, fields, typed in said:
            values = {k: v for k, v in fields.items() if k != "latitude" or v != "a"}
            values = {k: 1.5 if k == "latitude" else v for k, v in values.items()}
            record = LeadRecord(
                values | {"name": f"Lead {number}"},
                source,
                f"{url}/{number % 2 * url}",
                NOW,
            )
            store_record(record, lead_id=lead.pk)
            if typed:
                setattr(lead, typed, "")
                store_person_edit(lead, [typed])
        lead.refresh_from_db()
        return lead


def test_the_command_matches_the_leads_themselves(capsys):
    rosa()
    twin()
    call_command("leads", "match")
    assert "1 pairs merged" in capsys.readouterr().out


PAIRS, MERGES = "/admin/leads/leadpair/", "/admin/leads/leadmerge/"


@pytest.fixture
def _only_this_room(settings, monkeypatch):
    monkeypatch.setitem(settings.UNFOLD["SIDEBAR"], "navigation", [])


@pytest.mark.usefixtures("_only_this_room")
def test_a_person_decides_in_admin_and_undoes_it(client):
    client.force_login(User.objects.create_superuser("owner"))
    waiting = pair()
    for path in (PAIRS, f"{PAIRS}{waiting.pk}/change/"):
        text = client.get(path).content.decode()
        assert "Golden Spoon" in text
        assert "same phone" in text
    post = {"_form_submitted": "True"}
    client.post(f"{PAIRS}{waiting.pk}/merge/", post)
    assert Lead.objects.active().count() == 1
    merge = LeadMerge.objects.get()
    page = client.get(f"/admin/leads/lead/{merge.lead_id}/change/").content.decode()
    assert f"{MERGES}{merge.pk}/change/" in page
    assert (
        "Undo this merge" in client.get(f"{MERGES}{merge.pk}/change/").content.decode()
    )
    client.post(f"{MERGES}{merge.pk}/undo/", post)
    assert Lead.objects.active().count() == 2
    assert LeadPair.objects.get().state == "apart"
    assert LeadPair.objects.get().decided_by.username == "owner"


@pytest.mark.usefixtures("_only_this_room")
def test_readers_decide_nothing(client):
    waiting = pair()
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    post = {"_form_submitted": "True"}
    for button in ("merge", "part"):
        assert client.post(f"{PAIRS}{waiting.pk}/{button}/", post).status_code == 403
    chosen = {"action": "merge_chosen", "_selected_action": [waiting.pk]}
    client.post(PAIRS, chosen)
    # A mere look changes nothing either.
    client.force_login(User.objects.create_superuser("owner"))
    client.get(f"{PAIRS}{waiting.pk}/merge/")
    assert LeadPair.objects.get().state == "open"
    assert Lead.objects.active().count() == 2
