from __future__ import annotations

import os
import time
from datetime import timedelta

from django.utils import timezone

from demos.building import generate_demo
from demos.clearing import GRACE, clear
from demos.expiring import revoke
from demos.models import DemoSite, VisitorSalt
from demos.publishing import builds_folder, page_path, staging_folder
from tasks.models import Task
from tests.demos.conftest import make_lead, publish


def age(folder):
    then = time.time() - GRACE.total_seconds() - 60
    os.utime(folder, (then, then))


def leave_in_staging(name):
    folder = staging_folder() / name
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("half")
    return folder


def test_only_old_leftovers_of_crashes_are_removed(db):
    old, young = leave_in_staging("old"), leave_in_staging("young")
    age(old)
    assert clear()["staging_removed"] == 1
    assert not old.exists()
    assert young.exists()


def test_a_replaced_build_is_removed_after_a_while_and_the_served_one_never(site):
    first = page_path(site.token, site.build).parent
    site.lead.name = "Another name"
    site.lead.save()
    generate_demo(site.lead_id)
    now = DemoSite.objects.get()
    served = page_path(now.token, now.build).parent
    assert clear()["builds_removed"] == 0
    age(first)
    age(served)
    assert clear()["builds_removed"] == 1
    assert not first.exists()
    assert served.exists()


def test_the_files_of_a_site_that_is_gone_or_revoked_are_removed(site):
    gone = publish(make_lead(name="Gone"))
    for one in (site, gone):
        age(page_path(one.token, one.build).parent)
    gone.delete()
    revoke([site.pk])
    assert clear()["builds_removed"] == 2
    assert not any(builds_folder().iterdir())


def test_a_build_that_is_used_again_is_young_again(site):
    folder = page_path(site.token, site.build).parent
    age(folder)
    DemoSite.objects.update(state="expired")
    generate_demo(site.lead_id)
    assert time.time() - folder.stat().st_mtime < 60


def test_what_a_crash_left_unbuilt_is_built_again(lead):
    long_ago = timezone.now() - GRACE - timedelta(minutes=1)
    DemoSite.objects.create(lead=lead, build_started_at=long_ago)
    assert clear()["rebuilds"] == 1
    task = Task.objects.get()
    assert task.actor == "generate_demo_site"
    assert task.kwargs == {"lead_id": lead.pk}


def test_a_lost_file_is_built_again(site):
    assert clear()["rebuilds"] == 0
    page_path(site.token, site.build).unlink()
    assert clear()["rebuilds"] == 1


def test_salts_are_thrown_away_after_their_day(db):
    today = timezone.now().date()
    for days in range(4):
        VisitorSalt.objects.create(day=today - timedelta(days=days), salt=b"x")
    assert clear()["salts_removed"] == 2
    assert VisitorSalt.objects.count() == 2
