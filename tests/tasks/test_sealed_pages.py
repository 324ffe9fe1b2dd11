"""What people see of encrypted tasks: admin, the command line, checks, the archive."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import call_command

from tasks import checks, claiming
from tasks.archiving import archive_finished_tasks
from tasks.enqueueing import enqueue
from tasks.models import ArchivedTask, Task
from tests.tasks.test_sealing import NEW, OLD, SECRET, run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def keys(settings):
    settings.TASK_KEYS = [OLD]


@pytest.fixture
def finished():
    task_id = enqueue("sealed_echo", secret=SECRET)
    told = {
        "error_class": "ValueError",
        "message": f"bad {SECRET}",
        "traceback": SECRET,
    }
    claiming.fail(run(task_id), **told)
    return Task.objects.get(pk=task_id)


def test_the_command_line_shows_it_only_when_asked(finished, capsys):
    call_command("task", "show", str(finished.pk))
    told = json.loads(capsys.readouterr().out)
    assert (told["kwargs"], told["error"], told["is_sealed"]) == (
        "sealed",
        "sealed",
        True,
    )
    assert told["attempts"][0]["error"] == "sealed"
    call_command("task", "show", str(finished.pk), "--unseal")
    told = json.loads(capsys.readouterr().out)
    assert told["kwargs"] == {"secret": SECRET}
    assert told["attempts"][0]["error"] == f"bad {SECRET}"
    call_command("task", "list")
    assert "gAAAA" not in capsys.readouterr().out


def test_admin_shows_it_to_those_who_may_and_never_in_the_list(
    finished, client, admin_client, django_user_model
):
    page = f"/admin/tasks/task/{finished.pk}/change/"
    assert SECRET in admin_client.get(page).text
    for text in (admin_client.get("/admin/tasks/task/").text, _as_looker(client, page)):
        assert SECRET not in text
        assert "gAAAA" not in text
        assert "sealed" in text
    looker = django_user_model.objects.get(username="looker")
    looker.user_permissions.add(Permission.objects.get(codename="unseal_task"))
    assert client.get(page).text.count(SECRET) == 4


def _as_looker(client, page):
    looker = get_user_model().objects.create_user("looker", is_staff=True)
    for codename in ("view_task", "view_attempt"):
        looker.user_permissions.add(Permission.objects.get(codename=codename))
    client.force_login(looker)
    return client.get(page).text


def test_admin_says_when_the_key_is_missing(finished, admin_client, settings):
    settings.TASK_KEYS = [NEW]
    page = admin_client.get(f"/admin/tasks/task/{finished.pk}/change/")
    assert "none of the 1 keys in TASK_KEYS" in page.text


def test_the_check_names_encrypted_actors_without_a_key(settings):
    assert checks.check_task_keys() == []
    settings.TASK_KEYS = ["short"]
    assert [found.id for found in checks.check_task_keys()] == ["tasks.W001"]
    settings.TASK_KEYS = []
    (found,) = checks.check_task_keys()
    assert found.id == "tasks.E002"
    assert "sealed_echo" in found.msg


def test_the_archive_keeps_no_ciphertext(finished):
    Task.objects.update(finished_at="2026-01-05T00:00Z")
    archive_finished_tasks(datetime(2026, 3, 1, tzinfo=UTC))
    archived = ArchivedTask.objects.get()
    assert (archived.error_class, archived.error_message) == ("ValueError", "sealed")
