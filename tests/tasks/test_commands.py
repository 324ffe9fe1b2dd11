"""What people type."""

from __future__ import annotations

import json
import uuid

import pytest
from django.core.management import CommandError, call_command

from tasks.models import Task
from tasks.states import State

pytestmark = pytest.mark.django_db


def run(capsys, *arguments):
    call_command(*arguments)
    return capsys.readouterr().out


def test_sending_prints_the_id_and_values_are_json_or_text(capsys):
    task_id = run(capsys, "task", "send", "trial_fail", "kind=plain").strip()
    assert Task.objects.get(pk=task_id).kwargs == {"kind": "plain"}
    task_id = run(capsys, "task", "send", "trial_add", "a=1", "b=[2]").strip()
    assert Task.objects.get(pk=task_id).kwargs == {"a": 1, "b": [2]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["send", "trial_ad"], "Did you mean trial_add"),
        (["send", "trial_add", "a"], "not of the form name=value"),
        (["send", "trial_add", "a=1"], "missing a required argument: 'b'"),
        (["show", str(uuid.uuid4())], "There is no task"),
        (["show", "seven"], "not a task id"),
        (["retry", str(uuid.uuid4())], "There is no task"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("task", *arguments)


def test_a_task_is_shown_with_status_and_attempts(capsys):
    task_id = run(capsys, "task", "send", "trial_add", "a=1", "b=2").strip()
    told = json.loads(run(capsys, "task", "show", task_id))
    assert (told["status"], told["attempts"]) == ("pending", [])


def test_cancel_retry_and_list_tell_what_is(capsys):
    task_id = run(capsys, "task", "send", "trial_add", "a=1", "b=2").strip()
    assert "is cancelled" in run(capsys, "task", "cancel", task_id)
    assert task_id in run(capsys, "task", "list", "--state=cancelled")
    assert "runs again" in run(capsys, "task", "retry", task_id)
    with pytest.raises(CommandError, match="only failed and cancelled tasks"):
        call_command("task", "retry", task_id)


def test_the_queue_list_shows_all_five_with_their_backlog(capsys):
    Task.objects.create(actor="trial_add", queue="email", state=State.SCHEDULED)
    lines = run(capsys, "queue", "list").splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        "email",
        "ai",
        "default",
        "scraper",
        "demo",
    ]
    assert lines[1].split() == ["email", "10", "open", "–", "–", "1", "0", "0"]
