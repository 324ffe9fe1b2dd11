"""The list of leads in admin, however many there are."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads.admin.lead import LeadPages
from leads.models import Lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client, settings, monkeypatch) -> Client:
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    # The menu of the whole house has its own test.
    monkeypatch.setitem(settings.UNFOLD["SIDEBAR"], "navigation", [])
    client.force_login(User.objects.create_superuser("owner"))
    return client


def test_the_list_of_leads_counts_no_more_than_anybody_turns(owner, monkeypatch):
    monkeypatch.setattr(LeadPages, "LIMIT", 3)
    Lead.objects.bulk_create([Lead(name=f"Shop {n}", score=n) for n in range(60)])
    with CaptureQueriesContext(connection) as asked:
        shown = owner.get(reverse("admin:leads_lead_changelist"))
    assert "more than 3 leads" in shown.content.decode()
    counts = [query["sql"] for query in asked if "COUNT(*)" in query["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts), counts


def test_leads_are_filtered_by_town_however_it_is_written(owner):
    Lead.objects.create(name="Near", city="Ely")
    Lead.objects.create(name="Far", city="Bonn", category="")
    shown = owner.get(reverse("admin:leads_lead_changelist"), {"city": " ELY"})
    assert "Near" in shown.content.decode()
    assert "Far" not in shown.content.decode()
