"""Finished tasks move into the archive: each exactly once, and months go whole."""

from __future__ import annotations

import json
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tasks import archiving, claiming
from tasks.archiving import archive_finished_tasks, drop_old_months
from tasks.controlling import retry
from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import ArchivedTask, Attempt, End, Task
from tasks.states import State
from tasks.unique import Unique

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def finished(age_days, state=State.SUCCEEDED, number=1, **values):
    """Make tasks that ended so long before NOW, with an attempt each."""
    moment = NOW - timedelta(days=age_days)
    tasks = Task.objects.bulk_create(
        Task(
            actor="trial_add", queue="default", state=state, attempt=1,
            created_at=moment, started_at=moment, finished_at=moment, **values,
        )
        for _ in range(number)
    )  # fmt: skip
    Attempt.objects.bulk_create(
        Attempt(
            task=task, number=1, queue=task.queue, actor=task.actor,
            outcome=Attempt.Outcome.SUCCEEDED,
            due_at=moment, started_at=moment, finished_at=moment,
        )
        for task in tasks
    )  # fmt: skip
    return [task.pk for task in tasks]


def months():
    return sorted(table[-7:] for table in archiving._partitions().values())


@pytest.mark.django_db
def test_what_finished_long_ago_moves_and_the_rest_stays():
    (old,), (young,) = finished(31, error_message="x" * 600), finished(29)
    waiting = enqueue("trial_add", a=1, b=2)
    Task.objects.filter(pk=waiting).update(created_at=NOW - timedelta(days=900))
    assert archive_finished_tasks(NOW) == 1
    assert set(Task.objects.values_list("pk", flat=True)) == {young, waiting}
    archived = ArchivedTask.objects.get()
    assert (archived.pk, archived.actor, archived.attempt) == (old, "trial_add", 1)
    assert (archived.state, archived.error_message) == ("succeeded", "x" * 500)
    assert set(Attempt.objects.values_list("task", flat=True)) == {young}
    assert archive_finished_tasks(NOW) == 0


@pytest.mark.django_db
def test_each_state_has_an_age_of_its_own(settings):
    settings.TASK_KEEP_SUCCEEDED_DAYS = 7
    settings.TASK_KEEP_FAILED_DAYS = 90
    settings.TASK_KEEP_CANCELLED_DAYS = 30
    for age in (8, 31, 91):
        for state in (State.SUCCEEDED, State.FAILED, State.CANCELLED):
            finished(age, state)
    assert archive_finished_tasks(NOW) == 3 + 1 + 2
    left = Task.objects.values_list("state", "finished_at").order_by("state", "pk")
    ages = [(state, (NOW - moment).days) for state, moment in left]
    assert ages == [("cancelled", 8), ("failed", 8), ("failed", 31)]


@pytest.mark.django_db
def test_every_month_has_a_table_made_ahead():
    ids = [finished(age)[0] for age in (25 + 31, 25, 24.5)]
    Task.objects.filter(pk=ids[1]).update(
        finished_at=datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    )
    Task.objects.filter(pk=ids[2]).update(finished_at=datetime(2026, 11, 1, tzinfo=UTC))
    later = NOW + timedelta(days=30)
    assert archive_finished_tasks(later) == 3
    assert months() == ["2026_09", "2026_10", "2026_11", "2026_12", "2027_01"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, right(tableoid::regclass::text, 7) FROM tasks_archivedtask"
        )
        assert dict(cursor.fetchall()) == dict(
            zip(ids, ["2026_09", "2026_10", "2026_11"], strict=True)
        )


@pytest.mark.django_db
def test_the_oldest_months_are_dropped_as_tables(settings):
    settings.TASK_ARCHIVE_MONTHS = 3
    finished(31)
    finished(40)
    finished(400)
    assert archive_finished_tasks(NOW) == 3
    assert ArchivedTask.objects.count() == 2, "older than the archive goes back"
    assert months() == ["2026_08", "2026_09", "2026_10", "2026_11", "2026_12"]
    assert drop_old_months(NOW) == []
    january = datetime(2027, 1, 31, tzinfo=UTC)
    assert [one[-7:] for one in drop_old_months(january)] == ["2026_08", "2026_09"]
    assert ArchivedTask.objects.count() == 2, "October is kept for three whole months"
    assert [one[-7:] for one in drop_old_months(january + timedelta(days=1))] == [
        "2026_10"
    ]
    assert not ArchivedTask.objects.exists()
    settings.TASK_ARCHIVE_MONTHS = 0
    finished(31)
    assert archive_finished_tasks(NOW) == 1
    assert not ArchivedTask.objects.exists()
    assert not Task.objects.exists()


@pytest.mark.django_db
def test_what_is_still_needed_stays():
    unique = Unique("x", period=timedelta(days=3650))
    held = enqueue("trial_add", a=1, b=2, unique=unique)
    claiming.succeed(claiming.claim(held, None), 3)
    (followed, free) = finished(31, number=2)
    Task.objects.filter(pk=held).update(finished_at=NOW - timedelta(days=40))
    End.objects.create(task_id=followed, state=State.SUCCEEDED)
    assert archive_finished_tasks(NOW) == 1
    assert set(Task.objects.values_list("pk", flat=True)) == {held, followed}
    assert ArchivedTask.objects.get().pk == free


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_batches_leaves_each_task_in_one_place(monkeypatch):
    monkeypatch.setattr(archiving, "BATCH", 40)
    ids = set(finished(31, number=100))
    calls = count(1)

    def crash(*_):
        if next(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(archiving, "progress", crash)
    with pytest.raises(KeyboardInterrupt):
        archive_finished_tasks(NOW)
    live = set(Task.objects.values_list("pk", flat=True))
    archived = set(ArchivedTask.objects.values_list("pk", flat=True))
    assert (len(archived), live & archived, live | archived) == (80, set(), ids)
    assert Attempt.objects.count() == 20
    assert archive_finished_tasks(NOW) == 20
    assert ArchivedTask.objects.count() == 100


@pytest.mark.django_db(transaction=True)
def test_two_at_once_move_each_task_once(monkeypatch):
    monkeypatch.setattr(archiving, "BATCH", 50)
    finished(31, number=1000)
    barrier, moved = threading.Barrier(2), []

    def move():
        barrier.wait()
        moved.append(archive_finished_tasks(NOW))
        connection.close()

    threads = [threading.Thread(target=move) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(moved) + archive_finished_tasks(NOW) == 1000
    assert ArchivedTask.objects.count() == 1000
    assert not Task.objects.exists()
    assert not Attempt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_task_that_a_person_is_just_retrying_is_left(monkeypatch):
    (task_id,) = finished(31, State.FAILED)
    held, done = threading.Event(), threading.Event()

    def person():
        with transaction.atomic():
            retry(task_id)
            held.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=person)
    thread.start()
    held.wait(10)
    try:
        assert archive_finished_tasks(NOW) == 0
    finally:
        done.set()
        thread.join()
    assert Task.objects.get().state == State.QUEUED
    assert archive_finished_tasks(NOW) == 0


@pytest.mark.django_db
def test_twenty_thousand_move_in_flat_memory(django_assert_max_num_queries):
    enqueue_many("trial_add", [{"a": 1, "b": 2}] * 20_000)
    Task.objects.update(state=State.RUNNING)
    Task.objects.update(state=State.SUCCEEDED, finished_at=NOW - timedelta(days=40))
    tracemalloc.start()
    # 21 batches, a table for each of three months, and a few looks.
    with django_assert_max_num_queries(50):
        assert archive_finished_tasks(NOW) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ArchivedTask.objects.count() == 20_000
    assert peak < 1_000_000


def nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def plan_of(sql):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        (row,) = cursor.fetchone()
    loaded = json.loads(row) if isinstance(row, str) else row
    return list(nodes(loaded[0]["Plan"]))


@pytest.mark.django_db
def test_a_batch_reads_only_what_it_moves(monkeypatch):
    monkeypatch.setattr(archiving, "BATCH", 10)
    finished(5, number=1500)
    finished(45, number=15)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tasks_task")
        cursor.execute("ANALYZE tasks_attempt")
    with CaptureQueriesContext(connection) as queries:
        archive_finished_tasks(NOW)
    finished(45, number=15)
    (move, *_) = [one["sql"] for one in queries if "WITH old" in one["sql"]]
    scans = [node for node in plan_of(move) if "Relation Name" in node]
    kinds = {
        table: {one["Node Type"] for one in scans if one["Relation Name"] == table}
        for table in ("tasks_task", "tasks_attempt")
    }
    assert "Index Scan" in kinds["tasks_task"], kinds
    assert not any("Seq Scan" in kind for kind in kinds.values()), kinds


@pytest.mark.django_db
def test_an_id_an_actor_and_the_newest_are_found_by_their_indexes():
    finished(45, number=1000)
    finished(75, number=1000)
    archive_finished_tasks(NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tasks_archivedtask")
    some = ArchivedTask.objects.first()
    for rows in (
        ArchivedTask.objects.filter(pk=some.pk),
        ArchivedTask.objects.filter(actor="none_of_these").order_by("-finished_at"),
        ArchivedTask.objects.filter(state="failed").order_by("-finished_at")[:50],
        ArchivedTask.objects.order_by("-finished_at")[:50],
    ):
        with CaptureQueriesContext(connection) as queries:
            list(rows)
        read = sum(
            node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            for node in plan_of(queries[-1]["sql"])
            if "Relation Name" in node
        )
        assert read <= 110, queries[-1]["sql"]


# --- people -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_archived_task_is_shown_and_can_not_be_run_again(capsys):
    (task_id,) = finished(31, State.FAILED, error_message="it broke")
    archive_finished_tasks(NOW)
    call_command("task", "show", str(task_id))
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["error"], told["is_archived"]) == (
        "failed",
        "it broke",
        True,
    )
    with pytest.raises(CommandError, match="failed on 2026-10-25 and is archived"):
        call_command("task", "retry", str(task_id))


@pytest.mark.django_db
def test_admin_lists_and_finds_archived_tasks(
    admin_client, django_assert_max_num_queries
):
    old = finished(31, State.FAILED, error_message="it broke")[0]
    finished(32, number=60)
    archive_finished_tasks(NOW)
    url = "/admin/tasks/archivedtask/"
    with django_assert_max_num_queries(10):
        page = admin_client.get(url).content.decode()
    assert "trial_add" in page
    assert "61" in page

    def ids(query):
        changelist = admin_client.get(f"{url}?{query}").context["cl"]
        return [row.pk for row in changelist.result_list]

    assert ids(f"q={old}") == [old]
    assert ids("state__exact=failed") == [old]
    assert len(ids("q=trial_add")) == 50
    assert ids("q=trial") == []
    assert "it broke" in admin_client.get(f"{url}{old}/change/").content.decode()
    answer = admin_client.post(f"{url}{old}/change/", {"actor": "x"})
    assert answer.status_code == 403
    assert ArchivedTask.objects.get(pk=old).actor == "trial_add"
