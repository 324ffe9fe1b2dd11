"""A long history slows nothing down: what reads it goes through an index, and reads little.

The history is long enough for PostgreSQL's planner to decide, and short enough for a
test: to read its table from end to end would take half as many pages again as are
allowed here. Measured with a million rows by `python -m tests.bench tasks --only scale`.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from tasks import archiving, claiming, figures, gating, metrics, planning, relaying
from tasks.enqueueing import enqueue_many
from tasks.handover import mark_published
from tasks.keeping import extend
from tasks.models import Queue, Task
from tasks.publishing import Publisher
from tasks.rescuing import rescue_expired, rescue_from
from tasks.states import State
from tests.bench.filling import fill_delayed, fill_history
from tests.tasks.explaining import plans_of_statements

pytestmark = pytest.mark.django_db

HISTORY, DELAYED = 60_000, 3_000
#: Pages of 8 kB that one statement may look at; the table has 2,500 of them.
PAGES = 1_600
TABLES = ("tasks_task", "tasks_attempt")
LIST = "/admin/tasks/task/"

#: Lists and upkeep come after the first ANALYZE; claims come at once.
analysed = pytest.mark.parametrize(
    "_history", ["analysed"], indirect=True, scope="module"
)


@pytest.fixture(scope="module", params=["analysed", "fresh"])
def _history(request, django_db_setup, django_db_blocker):
    """A history that the planner has statistics of, or none."""
    with django_db_blocker.unblock(), _whole_pages(), transaction.atomic():
        fill_history(HISTORY)
        fill_delayed(DELAYED, "default", "trial_add")
        if request.param == "analysed":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE tasks_task, tasks_attempt")
        yield
        transaction.set_rollback(True)


@contextmanager
def _whole_pages():
    """Fill the tables from the start, and leave nobody the pages of rolled back rows.

    What other tests have left free would scatter the history, and a scattered one is
    rightly read in another way. Nor does autovacuum come meanwhile: it sees none of the
    rows, since they are never committed, and would tell the planner of empty pages.
    """
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
            cursor.execute(f"VACUUM FULL {table}")
    yield
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM FULL {table}")
            cursor.execute(f"ALTER TABLE {table} RESET (autovacuum_enabled)")


class NoRabbitMQ(Publisher):
    """A publisher asks the database nothing, so none is needed here."""

    def publish(self, deliveries):
        return [one.task_id for one in deliveries]

    def ready_count(self, queue):
        return 0


@pytest.fixture
def reads_little(_history):
    """Run it and look at what each of its statements read of the ledger."""

    def check(run):
        with plans_of_statements() as plans:
            run()
        assert plans
        for plan in plans:
            assert plan.pages <= PAGES, f"{plan.pages} pages: {plan}"

    return check


@pytest.fixture
def queued(_history):
    return enqueue_many("trial_add", [{"a": 1, "b": 2}] * 16)


def test_claims_ends_and_heartbeats_read_little(reads_little, queued):
    claims = []
    reads_little(lambda: claims.append(claiming.claim(queued[0], None)))
    reads_little(lambda: claims.extend(claiming.claim_together(queued[1:9], None)))
    reads_little(lambda: extend(claims))
    reads_little(lambda: claiming.succeed(claims[0], 3))
    reads_little(lambda: claiming.give_back(claims[1]))
    assert all(claims)
    assert Task.objects.get(pk=queued[0]).state == State.SUCCEEDED


def test_a_claim_at_a_limited_queue_reads_little(reads_little, queued):
    Queue.objects.create(name="default", concurrency=3, rate_per_minute=600)
    claims = []
    reads_little(lambda: claims.extend(claiming.claim_together(queued, None)))
    assert len([one for one in claims if one]) == 3


def test_marks_read_little(reads_little, queued):
    reads_little(lambda: mark_published(queued))
    assert not Task.objects.filter(pk__in=queued, published_at=None).exists()


@pytest.mark.parametrize(
    "run",
    [
        relaying.release_due,
        relaying.owed,
        lambda: relaying.raise_waiting(NoRabbitMQ()),
        lambda: relaying.reclaim_lost(NoRabbitMQ()),
        rescue_expired,
        lambda: rescue_from(3),
        planning.plan_due,
        metrics.queue_lengths,
        lambda: list(figures.figures()),
    ],
    ids=[
        "release", "owed", "raise", "reclaim", "rescue", "rescue a worker's", "plan",
        "lengths", "figures",
    ],
)  # fmt: skip
def test_what_the_scheduler_asks_all_the_time_reads_little(reads_little, queued, run):
    moment = timezone.now() - timedelta(minutes=5)
    Task.objects.filter(pk__in=queued[:8]).update(run_at=moment, published_at=moment)
    reads_little(run)


def test_what_a_draining_queue_waits_for_is_found_without_its_history(
    reads_little, queued
):
    Queue.objects.create(name="default", draining_since=timezone.now())
    reads_little(gating.settle_drained)


@analysed
def test_a_batch_of_archiving_reads_only_what_it_moves(
    reads_little, settings, monkeypatch
):
    monkeypatch.setattr(archiving, "BATCH", 20)
    oldest = Task.objects.filter(state=State.SUCCEEDED).order_by("finished_at")[30]
    days = (timezone.now() - oldest.finished_at) / timedelta(days=1)
    for state in ("SUCCEEDED", "FAILED", "CANCELLED"):
        setattr(settings, f"TASK_KEEP_{state}_DAYS", days)
    moved = []
    reads_little(lambda: moved.append(archiving.archive_finished_tasks()))
    assert 30 <= moved[0] < 40


@analysed
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--state=failed"],
        ["--state=queued"],
        ["--state=scheduled"],
        ["--state=running"],
        ["--actor=ai_actor_3"],
        ["--actor=nobody"],
        ["--queue=demo"],
        ["--state=failed", "--queue=demo"],
    ],
    ids=" ".join,
)
def test_each_list_on_the_command_line_reads_little(reads_little, queued, options):
    reads_little(lambda: call_command("task", "list", *options, stdout=io.StringIO()))


@analysed
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?p=20",
        "?before={oldest}",
        "?state__exact=succeeded",
        "?state__exact=failed",
        "?state__exact=running",
        "?state__exact=scheduled",
        "?queue=demo",
        "?actor=ai_actor_3",
        "?actor=nobody",
        "?created_at_to_0=2030-01-01&created_at_to_1=00:00:00",
        "?q={oldest}",
        "?q=key:1",
        "?q=trial_add",
        "?q=nobody",
        "?o=2",
    ],
)
def test_each_list_in_admin_reads_little(reads_little, admin_client, queued, query):
    oldest = Task.objects.order_by("created_at")[100].pk
    url = LIST + query.format(oldest=oldest)
    pages = []
    reads_little(lambda: pages.append(admin_client.get(url)))
    assert pages[0].status_code == 200


@analysed
def test_a_tasks_page_reads_little(reads_little, admin_client):
    task = Task.objects.filter(state=State.FAILED).latest("created_at")
    url = f"{LIST}{task.pk}/change/"
    reads_little(lambda: admin_client.get(url))
