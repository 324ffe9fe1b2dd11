"""Many leads are matched together, and what happens to one meanwhile disturbs no other."""

from __future__ import annotations

import pytest

from leads import table_matching
from leads.linking.profiles import make_profile
from leads.models import Lead, LeadMatching
from leads.table_blocks import TableBlocks
from leads.table_matching import match_leads

pytestmark = pytest.mark.django_db


def test_statements_grow_with_batches_and_not_with_leads(django_assert_max_num_queries):
    for number in range(30):
        street = f"{number + 3}00 {'Elm Oak Pine Main Mill'.split()[number % 5]} St"
        for url, name in (("a", f"Shop {number} Rosa"), ("b", f"ROSA SHOP {number}")):
            Lead.objects.create(
                name=f"{name}{url}"[:-1], street=street, city="Fairview"
            )
    with django_assert_max_num_queries(75):
        assert match_leads().merged == 30


def test_a_lead_that_is_gone_when_its_turn_comes_disturbs_nobody():
    one, other = (Lead.objects.create(name=name) for name in ("Rosa", "Mill"))
    seen = {each.pk: each.updated_at for each in (one, other)}
    profiles = {each.pk: make_profile(each.as_facts()) for each in (one, other)}
    other.delete()
    assert set(TableBlocks().remember(profiles, seen)) == {one.pk}


def test_a_run_that_dies_in_a_batch_has_compared_nobody_of_it(monkeypatch):
    for name in ("Rosa's Bakery", "ROSA BAKERY INC"):
        Lead.objects.create(name=name, street="12 Main St", city="Fairview")

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(table_matching, "compare_likely", die)
        match_leads()
    assert not LeadMatching.objects.exists()
    assert match_leads().merged == 1
    assert match_leads().compared == 0
