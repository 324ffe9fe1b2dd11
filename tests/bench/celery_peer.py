"""The peer that the earlier system ran on: Celery, Redis and django-celery-results.

Imported by the driver and, through the `celery` command line, by the worker. Settings
are Celery's defaults, except that database connections are kept, as ours are.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import dj_database_url
import django
from celery import Celery
from django.conf import settings
from django.core.management import call_command

from tests.bench.driving import Worker
from tests.bench.waiting import NotesFile, wait_until

if not settings.configured:
    settings.configure(
        SECRET_KEY="of-no-use",
        INSTALLED_APPS=["django.contrib.contenttypes", "django_celery_results"],
        DATABASES={
            "default": dj_database_url.parse(
                os.environ["BENCH_POSTGRES_URL"], conn_max_age=600
            )
        },
        USE_TZ=True,
        CELERY_RESULT_BACKEND="django-db",
    )
    django.setup()

app = Celery("bench", broker=os.environ["BENCH_REDIS_URL"])
app.config_from_object("django.conf:settings", namespace="CELERY")
notes = NotesFile(Path(os.environ["BENCH_FOLDER"]) / "notes")
#: Each process of the pool notes its own first start; the driver takes the earliest.
_started: list[float] = []


@app.task
def noop() -> None:
    """Do nothing, but note this process's first start."""
    if not _started:
        _started.append(time.time())
        notes.write(_started[0])


class Driver:
    """Celery as a `tests.bench.driving.Peer`."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)

    def enqueue(self, count: int) -> float:
        """Send one by one; Redis holds the messages in memory."""
        noop.delay()
        began = time.perf_counter()
        for _ in range(count):
            noop.delay()
        seconds = time.perf_counter() - began
        app.control.purge()
        return seconds

    def enqueue_in_bulk(self, count: int) -> float:
        """Celery has no bulk: one by one is what there is."""
        return self.enqueue(count)

    def work_off(self, count: int, pool: str) -> float:
        """Work off a backlog with a pool of eight: `prefork` or `threads`."""
        from django_celery_results.models import TaskResult

        results = TaskResult.objects
        results.all().delete()
        notes.clear()
        for _ in range(count):
            noop.delay()
        done = results.filter(status="SUCCESS")
        with _worker(pool) as worker:
            wait_until(lambda: done.count() >= count, worker.check)
            ended = time.time()
        return ended - min(notes.read())


def _worker(pool: str) -> Worker:
    command = [sys.executable, "-m", "celery", "-A", __name__, "worker"]
    return Worker([*command, f"--pool={pool}", "--concurrency=8", "--loglevel=WARNING"])
