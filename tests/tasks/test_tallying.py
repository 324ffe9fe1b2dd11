"""Tallies count every row once, whenever it commits, and outlive it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tasks import claiming, tallying
from tasks.controlling import cancel, retry
from tasks.enqueueing import enqueue, enqueue_many
from tasks.metrics import read_counts
from tasks.models import Attempt, Tally, TallyMark, Task, Total
from tasks.rescuing import rescue_expired
from tasks.tallies import BOUNDS
from tasks.tallying import fold, prune_tallies

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch):
    monkeypatch.setattr(tallying, "GRACE_SECONDS", 0.0)


def counts():
    """What is told of the one actor that has run: only what is not 0."""
    (one,) = read_counts()
    return {name: n for name, n in one.numbers.items() if n and name[-3:] != "_us"}


def run(task_id=None):
    held = claiming.claim(task_id or enqueue("trial_add", a=1, b=2), worker_id=None)
    assert held is not None
    return held


ERROR = {"error_class": "E", "message": "m", "traceback": "t"}


def every_way_to_end():
    """Let one task end in each way; ten are enqueued and ten runs begin."""
    claiming.succeed(run(), 3)
    claiming.fail(run(), **ERROR)
    for is_burnt in (True, False):
        claiming.retry(run(), delay_seconds=60, is_burnt=is_burnt, **ERROR)
    claiming.cancel_running(run())
    claiming.give_back(run())
    for rescues in (0, 99):
        lost = run()
        Task.objects.filter(pk=lost.task_id).update(
            rescues=rescues, lease_until=datetime.now(UTC) - timedelta(seconds=1)
        )
    rescue_expired()
    cancel(enqueue("trial_add", a=1, b=2))
    run()


EVERY_WAY = {
    "enqueued": 10, "runs": 9, "succeeded": 1, "failed": 1, "retried": 1, "deferred": 1,
    "cancelled": 1, "returned": 1, "rescued": 1, "poisoned": 1,
}  # fmt: skip


def test_every_way_to_end_is_told_at_once_and_the_same_after_the_fold():
    every_way_to_end()
    assert counts() == EVERY_WAY
    assert fold()
    # Who was cancelled before it ran is counted when it is folded.
    assert counts() == EVERY_WAY | {"cancelled": 2}
    assert not Attempt.objects.filter(
        finished_at__gt=TallyMark.objects.get().counted_until
    ).exists()


def test_pruned_rows_stay_counted():
    every_way_to_end()
    fold()
    Task.objects.all().delete()
    # The one that ran when it was deleted has never ended.
    assert counts() == EVERY_WAY | {"cancelled": 2, "runs": 8}


def test_minutes_and_totals_count_the_same():
    every_way_to_end()
    fold()
    claiming.succeed(run(), 3)
    fold()
    (total,) = Total.objects.values(*tallying.KINDS, *tallying.SUMS)
    for name, value in total.items():
        assert sum(Tally.objects.values_list(name, flat=True)) == value
    assert sum(map(sum, Tally.objects.values_list("run_buckets", flat=True))) == 7
    assert sum(map(sum, Tally.objects.values_list("wait_buckets", flat=True))) == 9


def test_a_fold_comes_at_most_as_often_as_asked():
    assert fold(60)
    assert not fold(60)
    assert fold()


def test_a_cancelled_task_that_runs_again_is_counted_as_ended_twice():
    task_id = enqueue("trial_add", a=1, b=2)
    cancel(task_id)
    fold()
    retry(task_id)
    claiming.cancel_running(run(task_id))
    fold()
    assert counts() == {"enqueued": 1, "runs": 1, "cancelled": 2}


def test_waits_and_runs_fall_into_their_buckets():
    held = run()
    Task.objects.update(
        created_at="2026-01-01 12:00:00Z",
        run_at="2026-01-01 12:00:10Z",
        started_at="2026-01-01 12:00:12Z",
    )
    claiming.retry(held, delay_seconds=60, is_burnt=True, **ERROR)
    Attempt.objects.update(finished_at="2026-01-01 12:01:52Z")
    attempt = Attempt.objects.get()
    assert (attempt.started_at - attempt.due_at).total_seconds() == 2
    fold()
    (one,) = read_counts()
    assert (one.numbers["wait_us"], one.numbers["run_us"]) == (2_000_000, 100_000_000)
    assert one.buckets["wait"].index(1) == BOUNDS.index(5.0)
    assert one.buckets["run"].index(1) == BOUNDS.index(120.0)


def test_a_task_enqueued_for_a_time_that_is_past_waits_from_its_enqueueing():
    enqueue("trial_add", a=1, b=2, run_at=datetime.now(UTC) - timedelta(hours=1))
    claiming.succeed(run(Task.objects.get().pk), 3)
    attempt = Attempt.objects.get()
    assert (attempt.started_at - attempt.due_at).total_seconds() < 30


def test_old_minutes_become_hours_and_what_is_too_old_goes(settings):
    settings.TASK_HISTORY_DAYS = 400
    now = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
    row = {"queue": "default", "actor": "trial_add", "run_us": 5, "succeeded": 1}
    buckets = [0, 1, *[0] * (len(BOUNDS) - 1)]
    for days, minutes in ((20, 0), (20, 7), (20, 45), (1, 0), (500, 0)):
        Tally.objects.create(
            span=Tally.Span.MINUTE,
            started_at=now - timedelta(days=days) + timedelta(minutes=minutes),
            run_buckets=buckets,
            **row,
        )
    assert prune_tallies() == 1
    assert prune_tallies() == 0
    old = now - timedelta(days=20)
    kept = Tally.objects.order_by("started_at").values_list(
        "span", "started_at", "succeeded", "run_us", "run_buckets"
    )
    assert list(kept) == [
        (3600, old.replace(minute=0), 2, 10, [2 * n for n in buckets]),
        (3600, old.replace(minute=0) + timedelta(hours=1), 1, 5, buckets),
        (60, now - timedelta(days=1), 1, 5, buckets),
    ]


@pytest.mark.django_db(transaction=True)
class TestCommitsThatComeLate:
    """Real transactions beside the fold."""

    @pytest.fixture
    def other(self, test_environment):
        with psycopg.connect(test_environment["DATABASE_URL"]) as other:
            yield other

    def enqueue_in(self, other):
        other.execute(
            "INSERT INTO tasks_task (id, actor, queue, priority, args, kwargs, options,"
            " state, attempt, failures, max_attempts, rescues, progress_note,"
            " error_class, error_message)"
            " VALUES (gen_random_uuid(), 'trial_add', 'default', 5, '[]', '{}', '{}',"
            " 'queued', 0, 0, 5, 0, '', '', '')"
        )

    def test_a_row_that_commits_after_the_fold_is_counted_once(self, other):
        self.enqueue_in(other)
        enqueue("trial_add", a=1, b=2)
        fold()
        assert counts() == {"enqueued": 1}
        other.commit()
        assert counts() == {"enqueued": 2}
        fold()
        assert counts() == {"enqueued": 2}
        assert Total.objects.get().enqueued == 2

    def test_an_open_transaction_that_only_read_holds_nothing_up(self, other):
        other.execute("SELECT count(*) FROM tasks_task")
        enqueue("trial_add", a=1, b=2)
        fold()
        assert Total.objects.get().enqueued == 1

    def test_a_statement_that_waits_to_write_holds_the_mark_back(
        self, other, test_environment, wait_until
    ):
        """It has its time stamp and no transaction id yet."""
        other.execute("LOCK TABLE tasks_task IN SHARE MODE")

        def wait_for_the_lock():
            with psycopg.connect(test_environment["DATABASE_URL"]) as third:
                self.enqueue_in(third)

        def is_waiting():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type ="
                    " 'Lock' AND datname = current_database()"
                )
                return cursor.fetchone()[0]

        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(wait_for_the_lock)
            wait_until(is_waiting)
            fold()
            other.rollback()
            waiting.result()
        assert TallyMark.objects.get().counted_until <= Task.objects.get().created_at
        fold()
        assert Total.objects.get().enqueued == 1

    def test_a_fold_does_not_wait_for_one_that_hangs(self, other):
        fold()
        other.execute("SELECT counted_until FROM tasks_tallymark FOR UPDATE")
        assert not fold()
        other.rollback()
        assert fold()

    def test_an_end_inside_a_bodys_transaction_is_counted_when_it_commits(self):
        held = run()
        with ThreadPoolExecutor(1) as another_process:
            with transaction.atomic():
                claiming.succeed(held, 3)
                assert another_process.submit(fold).result()
            another_process.submit(lambda: connection.close()).result()
        assert counts() == {"enqueued": 1, "runs": 1, "succeeded": 1}
        assert fold()
        assert counts() == {"enqueued": 1, "runs": 1, "succeeded": 1}
        assert Total.objects.get().succeeded == 1


STEPS = st.lists(
    st.sampled_from(["enqueue", "succeed", "retry", "fold", "prune", "cancel"]),
    max_size=25,
)


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(steps=STEPS)
def test_no_counter_ever_goes_back_whatever_is_folded_and_pruned(steps):
    with transaction.atomic():
        enqueue_many("trial_add", [{"a": 1, "b": 2}] * 3)
        before, enqueued, ended = read_counts()[0].numbers, 3, 0
        for step in steps:
            waiting = list(
                Task.objects.filter(state="queued").values_list("pk", flat=True)
            )
            if step == "enqueue":
                enqueue("trial_add", a=1, b=2)
                enqueued += 1
            elif step in ("succeed", "retry") and waiting:
                held = run(waiting[0])
                ended += 1
                if step == "succeed":
                    claiming.succeed(held, 3)
                else:
                    claiming.give_back(held)
            elif step == "cancel" and waiting:
                cancel(waiting[0])
            elif step == "fold":
                fold()
            elif step == "prune":
                fold()
                Task.objects.filter(state__in=("succeeded", "cancelled")).delete()
            now = read_counts()[0].numbers
            assert all(now[name] >= before[name] for name in now)
            before = now
        assert (before["enqueued"], before["runs"]) == (enqueued, ended)
        transaction.set_rollback(True)
