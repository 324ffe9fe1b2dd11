"""Fetches, hosts and what other rooms tell, in admin: shown whole, escaped, unchangeable."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from leads.lead_events import LeadEvent
from leads.models import (
    Fetch,
    HostPace,
    HostPause,
    Lead,
    RobotsFile,
    ScrapeJob,
    StoredPage,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_this_room(settings, monkeypatch):
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    # The menu of the whole house has its own test.
    monkeypatch.setitem(settings.UNFOLD["SIDEBAR"], "navigation", [])


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("owner"))
    return client


def test_a_fetch_shows_what_was_asked_what_came_and_why(owner):
    job = ScrapeJob.objects.create(source="craigslist")
    one = Fetch.objects.create(
        url="https://a.example/", final_url="https://b.example/<x>", host="a.example:443",
        redirects=["https://a.example/", "https://www.a.example/"], outcome="blocked",
        reason="The host refuses us with <b>403</b>.", status=403, bytes=2048, elapsed_ms=87,
        job=job, lead=Lead.objects.create(name="A"), reuse="confirmed",
    )  # fmt: skip
    page = owner.get(f"/admin/leads/fetch/{one.pk}/change/").content.decode()
    for told in ("www.a.example", "2.0", "87 ms", "confirmed by the host", f"craigslist #{job.pk}"):  # fmt: skip
        assert told in page
    assert "&lt;b&gt;403" in page
    assert "<b>403" not in page


def test_fetches_are_filtered_by_outcome_and_by_what_was_asked(owner):
    for outcome, purpose in (("ok", "page"), ("ok", "robots"), ("blocked", "page")):
        Fetch.objects.create(url="u", host="h", outcome=outcome, purpose=purpose)
    answer = owner.get(
        "/admin/leads/fetch/", {"outcome__exact": "ok", "purpose__exact": "page"}
    )
    assert len(answer.context["cl"].result_list) == 1


def test_what_is_remembered_of_hosts_is_shown_and_can_not_be_changed(owner):
    now = timezone.now()
    rows = (
        RobotsFile.objects.create(
            origin="https://a.example", standing="found", body="User-agent: <i>*</i>",
            fetched_at=now, expires_at=now,
        ),
        HostPace.objects.create(host="a.example:443", delay_seconds=2.5),
        HostPause.objects.create(host="a.example:443", until=now, reason="429"),
        StoredPage.objects.create(
            key="k", url="https://a.example/", status=200, body=b"x", size=1,
            content_hash="h", confirmed_at=now, fresh_until=now,
        ),
    )  # fmt: skip
    for row in rows:
        name = row._meta.model_name
        assert owner.get(f"/admin/leads/{name}/").status_code == 200
        page = owner.get(f"/admin/leads/{name}/{row.pk}/change/")
        assert page.status_code == 200
        assert "<i>*</i>" not in page.content.decode()
        assert owner.post(f"/admin/leads/{name}/{row.pk}/change/").status_code == 403
        assert owner.post(f"/admin/leads/{name}/{row.pk}/delete/").status_code == 403


def test_a_leads_timeline_tells_what_other_rooms_did(owner, settings):
    settings.LEAD_EVENTS = ["tests.leads.test_fetch_admin.events"]
    one = Lead.objects.create(name="Rosa's")
    page = owner.get(f"/admin/leads/lead/{one.pk}/change/").content.decode()
    assert f"Something happened to {one.pk} &lt;now&gt;." in page
    assert 'href="/somewhere/"' in page


def events(lead_id):
    yield LeadEvent(
        timezone.now(), f"Something happened to {lead_id} <now>.", "/somewhere/"
    )
