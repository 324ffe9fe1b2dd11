from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from demos.building import generate_demo
from demos.expiring import allow_again, expire_past_sites, extend, revoke
from demos.models import DemoSite
from demos.publishing import builds_folder, page_path, staging_folder
from fliptech_site.errors import InvalidInput, PermanentError
from leads.models import Lead, LeadFact
from tests.demos.conftest import make_lead, publish


def test_a_lead_gets_a_published_page_under_an_unguessable_address(lead, settings):
    told = generate_demo(lead.pk)
    site = DemoSite.objects.get(lead=lead)
    assert told["url"] == f"{settings.PUBLIC_URL}/d/{site.token}/"
    assert len(site.token) == 22
    assert site.state == "published"
    assert site.trade == "plumbing"
    assert b"Harbor Light Plumbing" in page_path(site.token, site.build).read_bytes()
    assert site.expires_at - site.published_at == timedelta(days=settings.DEMO_DAYS)


def test_the_same_content_is_published_once(site):
    before = page_path(site.token, site.build).stat()
    told = generate_demo(site.lead_id)
    again = DemoSite.objects.get()
    assert told["changed"] is False
    assert again.published_at == site.published_at
    assert again.build == site.build
    assert again.build_started_at is None
    assert page_path(site.token, site.build).stat().st_mtime_ns == before.st_mtime_ns
    assert len(list(builds_folder().glob("*/*"))) == 1


def test_a_changed_lead_gets_a_new_build_under_the_same_address(site):
    site.lead.name = "Harbor Light & Sons"
    site.lead.save()
    assert generate_demo(site.lead_id)["changed"] is True
    again = DemoSite.objects.get()
    assert again.token == site.token
    assert again.build != site.build


def test_the_page_says_where_each_fact_came_from_and_what_the_old_site_told(lead):
    for source, days in (("craigslist", 3), ("website", 1)):
        LeadFact.objects.create(
            lead=lead,
            field="phone",
            value=lead.phone,
            source=source,
            fetched_at=datetime(2026, 11, 20 - days, tzinfo=UTC),
        )
    lead.audit = {"opening_hours": ["Mo-Fr 08:00-17:00"], "theme_color": "#7a1fa2"}
    lead.save()
    site = publish(lead)
    page = page_path(site.token, site.build).read_text()
    assert "Phone: website, 2026-11-19" in page
    assert "craigslist" not in page
    assert "Monday to Friday: 08:00\u201317:00" in page
    assert "--brand:#7a1fa2" in page


def test_the_row_is_committed_before_anything_is_written(lead, monkeypatch):
    seen = []

    def look(token, build, page):
        seen.append(DemoSite.objects.get(token=token).state)
        raise RuntimeError("the worker dies here")

    monkeypatch.setattr("demos.building.write_build", look)
    with pytest.raises(RuntimeError):
        generate_demo(lead.pk)
    assert seen == ["building"]
    assert DemoSite.objects.get().build_started_at is not None


def test_a_crash_in_the_rename_leaves_the_old_page_in_service(
    site, client, monkeypatch
):
    site.lead.name = "Another Name"
    site.lead.save()

    def crash(source, target, **_):
        raise OSError(5, "the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", crash)
        with pytest.raises(OSError, match="the disk is gone"):
            generate_demo(site.lead_id)
    response = client.get(f"/d/{site.token}/")
    assert response.status_code == 200
    assert b"Harbor Light" in response.content
    assert not list(staging_folder().iterdir())
    assert generate_demo(site.lead_id)["changed"] is True
    assert b"Another Name" in client.get(f"/d/{site.token}/").content


def test_a_damaged_page_is_replaced_by_the_next_build(site):
    page_path(site.token, site.build).write_bytes(b"<html>half of a pa")
    assert generate_demo(site.lead_id)["changed"] is True
    assert b"</html>" in page_path(site.token, site.build).read_bytes()


def test_older_facts_never_replace_newer_ones(site):
    newer = timezone.now() + timedelta(hours=1)
    DemoSite.objects.update(facts_as_of=newer)
    Lead.objects.filter(pk=site.lead_id).update(name="An older name")
    generate_demo(site.lead_id)
    assert DemoSite.objects.get().build == site.build


@pytest.mark.django_db(transaction=True)
def test_builds_at_the_same_time_give_one_site_with_one_whole_page():
    lead = make_lead()
    start = threading.Barrier(4)
    told, failed = [], []

    def build():
        try:
            start.wait(timeout=20)
            told.append(generate_demo(lead.pk))
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failed
    assert len({(t["demo_id"], t["build"]) for t in told}) == 1
    site = DemoSite.objects.get()
    assert site.is_live
    assert [p.name for p in builds_folder().glob("*/*")] == [site.build]
    assert not list(staging_folder().iterdir())


def test_a_lead_without_a_name_is_refused_politely(db):
    lead = make_lead(name="  \u202e ")
    with pytest.raises(PermanentError, match="has no name: enter one in admin"):
        generate_demo(lead.pk)
    assert not DemoSite.objects.exists()


def test_an_unknown_lead_is_refused_politely(db):
    with pytest.raises(InvalidInput, match="There is no lead 4711"):
        generate_demo(4711)


def test_a_merged_lead_gives_the_page_of_the_one_that_stays(lead):
    merged = make_lead(name="Harbour Light", merged_into=lead)
    assert generate_demo(merged.pk)["lead_id"] == lead.pk


def test_a_revoked_site_is_built_only_after_a_person_allows_it(site):
    assert revoke([site.pk]) == 1
    with pytest.raises(PermanentError, match="revoked by a person"):
        generate_demo(site.lead_id)
    assert allow_again([site.pk]) == [site.lead_id]
    generate_demo(site.lead_id)
    assert DemoSite.objects.get().is_live


def test_a_revocation_during_a_build_wins(site, monkeypatch):
    site.lead.name = "Changed meanwhile"
    site.lead.save()
    monkeypatch.setattr("demos.building.write_build", lambda *_: revoke([site.pk]))
    with pytest.raises(PermanentError, match="revoked by a person"):
        generate_demo(site.lead_id)
    assert DemoSite.objects.get().state == "revoked"


def test_what_is_past_its_date_expires_and_can_be_built_again(site):
    other = publish(make_lead(name="Still good"))
    past = timezone.now() - timedelta(seconds=1)
    DemoSite.objects.filter(pk=site.pk).update(expires_at=past)
    assert expire_past_sites() == 1
    assert DemoSite.objects.get(pk=site.pk).state == "expired"
    assert DemoSite.objects.get(pk=other.pk).is_live
    assert generate_demo(site.lead_id)["changed"] is True
    assert DemoSite.objects.get(pk=site.pk).is_live


def test_keeping_longer_moves_only_live_sites(site, settings):
    assert extend([site.pk]) == 1
    moved = DemoSite.objects.get()
    assert moved.expires_at - site.expires_at == timedelta(days=settings.DEMO_DAYS)
    revoke([site.pk])
    assert extend([site.pk]) == 0


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(lead, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("demos.publishing._write_synced", refuse)
    with pytest.raises(PermanentError, match="DEMO_ROOT .* can't be written"):
        generate_demo(lead.pk)
    assert DemoSite.objects.get().state == "building"
