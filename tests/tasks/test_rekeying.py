"""Rotating the keys of encrypted tasks while work goes on."""

from __future__ import annotations

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tasks import claiming, rekeying
from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import Attempt, Schedule, Task
from tasks.opening import opened, put_off
from tasks.rekeying import rekey, rows_by_key
from tasks.sealing import KeyMissing, key_number, seal, unseal_text
from tests.tasks.sealed_actors import open_echo, sealed_echo
from tests.tasks.test_sealing import NEW, OLD, SECRET, everything_stored, run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def keys(settings):
    settings.TASK_KEYS = [OLD]


@pytest.fixture
def stored():
    """One row of each kind under the old key."""
    done = enqueue("sealed_echo", secret=SECRET)
    claiming.succeed(run(done), SECRET)
    failed = run(enqueue("sealed_echo", secret=SECRET))
    failed.log.append(SECRET)
    claiming.fail(failed, error_class="E", message=SECRET, traceback=SECRET)
    (open_echo.message("a") | sealed_echo.message(SECRET)).run()
    Schedule.objects.create(
        name="s", actor="sealed_echo", cron="0 0 1 1 *", kwargs=seal({"secret": SECRET})
    )


def test_everything_goes_to_the_newest_key_and_the_old_one_may_be_removed(
    stored, settings, capsys
):
    assert rows_by_key() == {key_number(OLD): 4}
    settings.TASK_KEYS = [NEW, OLD]
    call_command("task", "rekey")
    said = capsys.readouterr().out
    assert "4 rows are encrypted anew." in said
    assert "0 rows remain under the key" in said
    settings.TASK_KEYS = [NEW]
    assert rows_by_key() == {key_number(NEW): 4}
    results = {opened(task)["result"] for task in Task.objects.all()}
    assert results == {None, SECRET}
    assert unseal_text(Attempt.objects.exclude(log="").get().log) == SECRET
    assert rekey().rewritten == 0


def test_a_rotation_that_was_killed_goes_on_with_what_is_left(settings, monkeypatch):
    enqueue_many("sealed_echo", [{"secret": SECRET}] * 10)
    settings.TASK_KEYS = [NEW, OLD]
    monkeypatch.setattr(rekeying, "BATCH", 3)

    class Killed(Exception):
        pass

    def kill(done, total):
        if done > 3:
            raise Killed

    with pytest.raises(Killed):
        rekey(kill)
    assert rows_by_key() == {key_number(NEW): 6, key_number(OLD): 4}
    assert rekey().rewritten == 4


def test_a_run_that_ends_meanwhile_wins_and_its_row_is_looked_at_again(
    settings, monkeypatch
):
    task_id = enqueue("sealed_echo", secret=SECRET)
    held = run(task_id)
    settings.TASK_KEYS = [NEW, OLD]
    renew = rekeying._renewed

    def end_between(row, newest):
        if held is not None and Task.objects.get().state == "running":
            settings.TASK_KEYS = [OLD, NEW]
            claiming.succeed(held, [SECRET])
            settings.TASK_KEYS = [NEW, OLD]
        return renew(row, newest)

    monkeypatch.setattr(rekeying, "_renewed", end_between)
    assert rekey().rewritten == 1
    assert rows_by_key() == {key_number(NEW): 1}
    assert opened(Task.objects.get())["result"] == [SECRET]


def test_a_row_that_somebody_is_writing_is_not_waited_for(settings):
    first, _ = enqueue_many("sealed_echo", [{"secret": SECRET}] * 2)
    settings.TASK_KEYS = [NEW, OLD]
    locked, done = threading.Event(), threading.Event()

    def hold():
        from django.db import transaction

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM tasks_task WHERE id = %s FOR UPDATE", [first])
            locked.set()
            done.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(20)
    assert rekey().rewritten == 1
    done.set()
    holder.join()
    assert rekey().rewritten == 1


def test_what_was_enqueued_before_the_actor_was_encrypted_is_sealed_too():
    waiting = enqueue("sealed_echo", secret=SECRET)
    held = run(enqueue("sealed_echo", secret="other"))
    claiming.fail(held, error_class="E", message="m", traceback="t")
    _as_if_enqueued_in_the_clear()
    running = run(waiting)
    assert rekey().rewritten == 1
    assert not Task.objects.get(pk=waiting).is_sealed
    claiming.succeed(running, SECRET)
    assert rekey().rewritten == 1
    assert SECRET not in everything_stored()
    assert opened(Task.objects.get(pk=waiting))["result"] == SECRET
    assert set(Task.objects.values_list("is_sealed", flat=True)) == {True}
    assert {unseal_text(a.traceback) for a in Attempt.objects.all()} == {"t", ""}


def _as_if_enqueued_in_the_clear():
    for task in Task.objects.all():
        plain = opened(task)
        Task.objects.filter(pk=task.pk).update(
            args=plain["args"], kwargs=plain["kwargs"], is_sealed=False
        )
    Task.objects.exclude(error_message="").update(error_message="m")
    Attempt.objects.exclude(traceback="").update(error_message="m", traceback="t")


def test_rows_whose_key_is_gone_are_counted_and_kept(settings, capsys):
    held = run(enqueue("sealed_echo", secret=SECRET))
    put_off(held, KeyMissing("add the key"))
    before = Task.objects.values().get()
    settings.TASK_KEYS = [NEW]
    assert rekey().unreadable == 1
    call_command("task", "rekey")
    told = f"1 rows are under the key {key_number(OLD)}, which TASK_KEYS does not hold"
    assert told in capsys.readouterr().out
    assert Task.objects.values().get() == before
    settings.TASK_KEYS = [NEW, OLD]
    rekey()
    # What the machinery told people is still told.
    assert Task.objects.get().error_shown == "add the key"


def test_without_a_key_there_is_nothing_to_rotate(settings):
    settings.TASK_KEYS = []
    with pytest.raises(CommandError, match="TASK_KEYS is empty"):
        call_command("task", "rekey")
