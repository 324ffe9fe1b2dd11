"""Records that join leads leave the same rows, together or one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leads.bulk_storing import store_records
from leads.merging import store_record
from leads.models import Lead, LeadMerge
from leads.records import LeadRecord

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 25, tzinfo=UTC)

VALUES = st.fixed_dictionaries(
    {"name": st.sampled_from(["Rosa's Bakery", "ROSAS BAKERY", "Golden Spoon", "Ely Tire"])},
    optional={
        "phone": st.sampled_from(["707 555 0123", "707 555 0124", "775 555 0188"]),
        "website": st.sampled_from(["https://rosas.example", "https://spoon.example"]),
        "city": st.sampled_from(["Fairview", "Ely"]),
        "email": st.sampled_from(["a@rosas.example", "b@spoon.example"]),
    },
)  # fmt: skip
SAID = st.tuples(
    VALUES, st.sampled_from(["u", "v", "w"]), st.sampled_from(["", "", "c:1", "c:2"])
)


def records(said) -> list[LeadRecord]:
    return [
        LeadRecord(
            values=values,
            source="import",
            url=f"https://list.example/{page}",
            fetched_at=START + timedelta(seconds=number),
            listing_key=listing,
        )
        for number, (values, page, listing) in enumerate(said)
    ]


def state():
    leads = {
        lead.pk: tuple(sorted(lead.keys.values_list("kind", "value")))
        for lead in Lead.objects.all()
    }
    rows = {
        (
            leads[lead.pk],
            lead.merged_into_id and leads[lead.merged_into_id],
            *(getattr(lead, name) for name in ("name", "phone", "website", "city", "email")),
            tuple(sorted(lead.facts.values_list("field", "value", "source", "url"))),
        )
        for lead in Lead.objects.all()
    }  # fmt: skip
    merges = {
        (leads[merge.lead_id], merge.name, merge.url, merge.key_kind, merge.key_value)
        for merge in LeadMerge.objects.filter(absorbed=None)
    }
    return rows, merges


def stored(store, before, after):
    """Store both lots, tell what came of them, and take everything back."""
    with transaction.atomic():
        for each in records(before):
            store_record(each)
        kinds = [each.kind for each in store(records(after))]
        found = (kinds, *state())
        transaction.set_rollback(True)
    return found


@settings(
    max_examples=20,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(SAID, max_size=2), st.lists(SAID, min_size=1, max_size=4))
def test_together_and_one_by_one_are_the_same(before, after):
    one_by_one = stored(lambda lot: [store_record(each) for each in lot], before, after)
    assert stored(store_records, before, after) == one_by_one


def test_rows_that_share_keys_are_stored_in_few_statements(
    django_assert_max_num_queries,
):
    def said(page, words):
        return [
            ({"name": f"Shop {number % 100} {words}", "phone": f"707555{number % 100:04d}"}, page, "")
            for number in range(400)
        ]  # fmt: skip

    with django_assert_max_num_queries(25):
        first = store_records(records(said("u", "")))
    with django_assert_max_num_queries(25):
        second = store_records(records(said("v", "of Ely")))
    assert [each.kind for each in first] == ["created"] * 100 + ["known"] * 300
    assert [each.kind for each in second] == ["merged"] * 100 + ["known"] * 300
    assert (Lead.objects.count(), LeadMerge.objects.count()) == (100, 100)
    assert Lead.objects.get(pk=second[7].lead_id).name == "Shop 7 of Ely"
