"""A lead's page tells what became of its demo site."""

from __future__ import annotations

import pytest
from django.utils import timezone

from demos.lead_events import events
from demos.models import DemoView
from leads.lead_events import told_elsewhere

pytestmark = pytest.mark.django_db


def test_a_demo_is_told_from_its_beginning_to_its_first_visitor(site):
    def view(name, **values):
        now = timezone.now()
        DemoView.objects.create(
            site=site, day=now.date(), visitor_hash=name, last_at=now, **values
        )

    assert [each.what for each in events(site.lead_id)] == [
        "A demo site was begun.", "Its demo site was published.",
    ]  # fmt: skip
    view("a", visitor="bot", views=3)
    view("b", visitor="person", hits=3)
    assert len(list(events(site.lead_id))) == 2
    view("c", visitor="person", views=1)
    *_, last = events(site.lead_id)
    assert last.what == "Its demo site was seen for the first time; 1 visitor by now."
    assert last.path == f"/admin/demos/demosite/{site.pk}/change/"


def test_who_has_no_demo_has_no_events(lead):
    assert list(events(lead.pk)) == []


def test_the_setting_names_the_rooms_that_tell(site):
    assert "A demo site was begun." in [
        each.what for each in told_elsewhere(site.lead_id)
    ]
