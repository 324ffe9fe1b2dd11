"""Rows past their time go; those that still say something stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks import controlling, pruning, workflows
from tasks.archiving import archive_finished_tasks
from tasks.models import (
    Attempt,
    Counter,
    Lease,
    Node,
    Pace,
    Signal,
    StoredResult,
    Task,
    Workflow,
)
from tasks.pruning import (
    prune_expired_rows,
    prune_finished_workflows,
)
from tasks.workflows import RESULT, chain
from tests.tasks.workflow_runs import named, run, task_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    def make(moment):
        name = moment.isoformat()
        Counter.objects.create(key=name, value=1, expires_at=moment)
        Signal.objects.create(key=name, expires_at=moment)
        StoredResult.objects.create(key=name, value=b"1", expires_at=moment)
        Lease.objects.create(key=name, owner="", expires_at=moment)
        Pace.objects.create(key=name, next_at=moment)

    return make


def test_what_is_past_its_time_goes_in_batches_and_the_rest_stays(rows, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 2)
    now = datetime.now(UTC)
    for number in range(1, 6):
        rows(now - timedelta(minutes=number))
    rows(now + timedelta(minutes=1))
    assert prune_expired_rows() == 25
    kinds = (Counter, Signal, StoredResult, Lease, Pace)
    assert [kind.objects.count() for kind in kinds] == [1] * 5
    assert prune_expired_rows() == 0


def test_a_workflow_goes_as_a_whole_and_keeps_its_tasks_until_then():
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    unfinished, finished, retried = (
        workflows.start(chain(named(f"a{n}"), named(f"b{n}", before=RESULT)))
        for n in range(3)
    )
    assert len(run(failing=("b1", "b2"))) == 6
    Task.objects.update(finished_at=long_ago)
    Workflow.objects.update(finished_at=long_ago)
    Workflow.objects.filter(pk=unfinished).update(finished_at=None, state="running")
    workflows.cancel(retried)
    controlling.retry(task_of("b2").pk)
    Workflow.objects.filter(pk=retried).update(finished_at=long_ago)
    assert archive_finished_tasks() == 0
    assert prune_finished_workflows() == 1
    assert archive_finished_tasks() == 2, "those that nobody needs any more"
    assert set(Workflow.objects.values_list("pk", flat=True)) == {unfinished, retried}
    assert Task.objects.count() == Node.objects.filter(kind="step").count() == 4
    assert Attempt.objects.filter(task__kwargs__name="a0").exists()
    assert not Node.objects.filter(workflow=finished).exists()
