"""Django's own tasks (`django.tasks`, here from django-tasks) as rows of the ledger.

    from django_tasks import task

    @task(priority=20, queue_name="email")
    def greet(name: str) -> str: ...

    greet.enqueue("Ada").id

An actor of each queue runs them (`actors.django_tasks`). Django's tasks know no retries, so
an error is final, unless it is one that burns no attempt (`RateLimited`). A task whose
worker died is rescued like any other and may so run twice.
"""

from __future__ import annotations

import builtins
import logging
import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.core import checks
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks import TaskContext, TaskResult, TaskResultStatus
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task as DjangoTask
from django_tasks.base import TaskError
from django_tasks.exceptions import TaskResultDoesNotExist
from django_tasks.signals import task_enqueued, task_finished, task_started
from django_tasks.utils import normalize_json

from fliptech_site.errors import PermanentError
from tasks.current import current_claim
from tasks.declaring import find_actor
from tasks.enqueueing import Order, insert
from tasks.following import together
from tasks.models import Attempt, Task
from tasks.states import State

logger = logging.getLogger(__name__)

#: The actor of each queue that runs Django's tasks.
ACTORS = {
    "email": "django_task_email",
    "ai": "django_task_ai",
    "default": "django_task_default",
    "scraper": "django_task_scraper",
    "demo": "django_task_demo",
}

_STATUS = {
    State.SCHEDULED: TaskResultStatus.READY,
    State.QUEUED: TaskResultStatus.READY,
    State.RUNNING: TaskResultStatus.RUNNING,
    State.SUCCEEDED: TaskResultStatus.SUCCESSFUL,
    State.FAILED: TaskResultStatus.FAILED,
    # Django knows no such state; the error says what it was.
    State.CANCELLED: TaskResultStatus.FAILED,
}

#: Endings of runs that Django's tasks see as errors.
_ERRORS = (Attempt.Outcome.FAILED, Attempt.Outcome.LOST, Attempt.Outcome.CANCELLED)


class WorkerLost(Exception):
    """The worker died under the task, which was given to another."""


class PoisonedTask(Exception):
    """Too many workers died under the task: it was set aside."""


#: What the ledger itself writes for an error, and where its class is.
_OUR_ERRORS = {
    "WorkerLost": f"{__name__}.WorkerLost",
    "PoisonedTask": f"{__name__}.PoisonedTask",
    "": "fliptech_site.errors.Cancelled",
}


class LedgerBackend(BaseTaskBackend):
    """A backend of Django's tasks; `QUEUES` may name some of ours."""

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, {"QUEUES": list(ACTORS), **params})

    def enqueue(
        self,
        task: DjangoTask[Any, Any],
        args: Any,
        kwargs: Any,
    ) -> TaskResult[Any]:
        """Write the row in the caller's transaction; it is published after its commit.

        Raises InvalidTaskError for what no task can be, TypeError for an argument that
        JSON does not know.
        """
        self.validate_task(task)
        task_id = uuid_utils.compat.uuid7()
        call = {
            "path": task.module_path,
            "args": normalize_json(args),
            "kwargs": normalize_json(kwargs),
            "backend": self.alias,
        }
        declared = find_actor(ACTORS[task.queue_name])
        order = Order(declared, priority_of_ledger(task.priority), task.run_after)
        with transaction.atomic():
            insert(order, [(task_id, (), call)])
            # The end is told by a signal, whoever brings it about.
            Task.objects.filter(pk=task_id).update(is_followed=True)
        result: TaskResult[Any] = TaskResult(
            task=task,
            id=str(task_id),
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            finished_at=None,
            last_attempted_at=None,
            args=call["args"],
            kwargs=call["kwargs"],
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """Return the result as it stands; raises TaskResultDoesNotExist."""
        try:
            row = Task.objects.get(pk=UUID(str(result_id)), actor__in=ACTORS.values())
        except (ValueError, Task.DoesNotExist):
            raise TaskResultDoesNotExist(
                f"There is no task {result_id}; it may have been pruned."
            ) from None
        return _result_of(row)

    def check(self, **kwargs: Any) -> Iterable[checks.CheckMessage]:
        """Yield an error for each queue that the ledger does not have."""
        for queue in sorted(self.queues.difference(ACTORS)):
            yield checks.Error(
                f"TASKS[{self.alias!r}] names the queue {queue!r}, which there is not.",
                hint=f"Use some of {', '.join(ACTORS)}, or leave QUEUES out.",
                id="tasks.E001",
            )


def priority_of_ledger(priority: int) -> int:
    """Return -100..100, where 0 is ordinary, as 0..10, where 5 is."""
    return (priority + 110) // 20


def run_django_task(
    path: str, args: list[Any], kwargs: dict[str, Any], backend: str
) -> Any:
    """Run the task at `path`; the body of the actors that run Django's tasks."""
    held = current_claim()
    if held is None:
        raise PermanentError(
            "Django's tasks are run by workers: call enqueue() instead."
        )
    result = _result_of(Task.objects.get(pk=held.task_id))
    task_started.send_robust(type(result.task.get_backend()), task_result=result)
    context = [TaskContext(task_result=result)] if result.task.takes_context else []
    return normalize_json(result.task.call(*context, *args, **kwargs))


@together
def tell_ends(ends: Sequence[tuple[UUID, State]]) -> None:
    """Send `task_finished` for each; a receiver's error is logged and undoes nothing.

    A task that a person had run again meanwhile is left out: that run's end will come.
    """
    states = dict(ends)
    ours = Task.objects.filter(pk__in=states, actor__in=ACTORS.values())
    for row in ours.prefetch_related("attempts"):
        if row.state != states[row.pk]:
            continue
        try:
            result = _result_of(row)
        except PermanentError as error:
            logger.error("Nobody is told of the end of task %s: %s", row.pk, error)
            continue
        task_finished.send_robust(type(result.task.get_backend()), task_result=result)


def _result_of(row: Task) -> TaskResult[Any]:
    # By the number, as the model orders them; so they can be fetched beforehand.
    runs = list(row.attempts.all())
    first = runs[0].started_at if runs else row.started_at
    workers = [run.worker_id for run in runs]
    if row.state == State.RUNNING:
        workers.append(row.worker_id)
    result: TaskResult[Any] = TaskResult(
        task=_task_of(row),
        id=str(row.pk),
        status=_STATUS[State(row.state)],
        enqueued_at=row.created_at,
        started_at=first,
        finished_at=row.finished_at,
        last_attempted_at=row.started_at,
        args=row.kwargs["args"],
        kwargs=row.kwargs["kwargs"],
        backend=row.kwargs["backend"],
        errors=[_error_of(run) for run in runs if run.outcome in _ERRORS],
        worker_ids=[str(worker) for worker in workers],
    )
    if row.state == State.CANCELLED and not result.errors:
        result.errors.append(
            TaskError(exception_class_path=_OUR_ERRORS[""], traceback="")
        )
    # Django's own backends set it in this way too.
    object.__setattr__(result, "_return_value", row.result)
    return result


def _task_of(row: Task) -> DjangoTask[Any, Any]:
    """Return the task that the row names, with what `using` has changed of it."""
    path = row.kwargs["path"]
    try:
        task = import_string(path)
    except ImportError as error:
        raise PermanentError(
            f"The task {path} can't be imported: {error}. Is it of this version?"
        ) from error
    if not isinstance(task, DjangoTask):
        raise PermanentError(f"{path} is no task: decorate it with @task() again.")
    # The ledger's eleven steps are coarser: the declared one is kept where it fits.
    fits = priority_of_ledger(task.priority) == row.priority
    return task.using(
        priority=task.priority if fits else row.priority * 20 - 100,
        queue_name=row.queue,
        run_after=row.run_at if row.run_at > row.created_at else None,
        backend=row.kwargs["backend"],
    )


def _error_of(run: Attempt) -> TaskError:
    return TaskError(
        exception_class_path=class_path(run.error_class, run.traceback),
        traceback=run.traceback or run.error_message,
    )


def class_path(name: str, traceback: str) -> str:
    """Return where the class `name` of an error is, from the error's traceback.

    A traceback's last block ends in the class and its message; it leaves out `builtins`.
    What can't be found is called an Exception.
    """
    if name in _OUR_ERRORS:
        return _OUR_ERRORS[name]
    line = rf"^((?:\w+\.)+{re.escape(name)})(?::|$)"
    if paths := re.findall(line, traceback, re.MULTILINE):
        return str(paths[-1])
    return f"builtins.{name}" if hasattr(builtins, name) else "builtins.Exception"
