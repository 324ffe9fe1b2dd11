from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.urls import reverse

from demos.checks import check_demo_root
from demos.models import DemoSite
from tasks.models import Task
from tests.demos.conftest import BROWSER, make_lead, publish

LIST = reverse("admin:demos_demosite_changelist")


@pytest.fixture(autouse=True)
def _no_sidebar(settings):
    """Leave out the links to the pages of rooms above this one."""
    settings.UNFOLD = {**settings.UNFOLD, "SIDEBAR": {"navigation": []}}


@pytest.fixture
def viewer(client, db):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_demosite"))
    client.force_login(user)
    return client


def act(client, name, *sites):
    chosen = {"action": name, "_selected_action": [site.pk for site in sites]}
    return client.post(LIST, chosen, follow=True)


def test_the_list_shows_state_lead_views_and_a_link(admin_client, client, site):
    page = f"/d/{site.token}/"
    client.logout()
    client.get(page, headers={"User-Agent": BROWSER})
    client.post(f"{page}seen", headers={"User-Agent": BROWSER})
    client.get(page, headers={"User-Agent": "curl/8"})
    text = admin_client.get(LIST).content.decode()
    assert "Harbor Light Plumbing" in text
    assert "1 / 2" in text
    assert f'href="{page}"' in text


def test_the_list_needs_as_many_queries_for_many_sites_as_for_one(
    admin_client, site, django_assert_max_num_queries
):
    admin_client.get(LIST)
    for number in range(8):
        publish(make_lead(name=f"Lead {number}"))
    with django_assert_max_num_queries(12):
        assert admin_client.get(LIST).status_code == 200


def test_one_site_can_be_looked_at(admin_client, site):
    url = reverse("admin:demos_demosite_change", args=[site.pk])
    text = admin_client.get(url).content.decode()
    assert site.build in text


def test_rebuild_enqueues_builds_and_leaves_revoked_sites_alone(admin_client, site):
    other = publish(make_lead(name="Other"))
    DemoSite.objects.filter(pk=other.pk).update(state="revoked")
    response = act(admin_client, "rebuild", site, other)
    assert "1 build enqueued. 1 revoked site was left alone." in response.text
    assert Task.objects.get().kwargs == {"lead_id": site.lead_id}


def test_revoke_takes_a_site_down_at_once(admin_client, site):
    act(admin_client, "revoke_sites", site)
    assert admin_client.get(f"/d/{site.token}/").status_code == 410


def test_a_revoked_site_can_be_allowed_again(admin_client, site):
    act(admin_client, "revoke_sites", site)
    act(admin_client, "allow_sites_again", site)
    assert DemoSite.objects.get().state == "building"
    assert Task.objects.get().actor == "generate_demo_site"


def test_keep_longer_moves_the_date(admin_client, site):
    act(admin_client, "extend_sites", site)
    assert DemoSite.objects.get().expires_at > site.expires_at


@pytest.mark.parametrize(
    "name", ["rebuild", "revoke_sites", "extend_sites", "allow_sites_again"]
)
def test_who_may_only_look_can_do_nothing(viewer, site, name):
    assert viewer.get(LIST).status_code == 200
    act(viewer, name, site)
    assert DemoSite.objects.get().state == "published"
    assert DemoSite.objects.get().expires_at == site.expires_at
    assert not Task.objects.exists()


def test_a_folder_that_cannot_be_written_is_told_by_the_system_check(
    settings, tmp_path, monkeypatch
):
    assert check_demo_root() == []
    monkeypatch.setattr("os.access", lambda *_: False)
    (warning,) = check_demo_root()
    assert warning.id == "demos.W001"
    assert f"{tmp_path} can't be written" in warning.msg
    assert "VAR_DIR" in warning.hint


def test_the_check_is_part_of_manage_py_check(settings, capsys):
    # Encrypted actors that other tests have declared ask for a key.
    settings.TASK_KEYS = ["of-no-use-outside-of-this-test-" * 2]
    call_command("check")
    assert "no issues" in capsys.readouterr().out


def test_the_actors_of_this_room_call_it_once(lead):
    from actors.demo import cleanup_temp_files, expire_demo_sites, generate_demo_site

    assert generate_demo_site.fn(lead.pk)["lead_id"] == lead.pk
    assert expire_demo_sites.fn() == {"expired": 0}
    assert cleanup_temp_files.fn()["rebuilds"] == 0
    assert generate_demo_site.queue_name == "demo"
    assert expire_demo_sites.options["periodic"]
    assert cleanup_temp_files.options["periodic"]
