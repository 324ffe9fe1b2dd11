"""`manage.py worker`: one worker process, as the supervisor starts it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.broker import problem_at_start
from tasks.working import DEFAULT_MEMORY_MB, WorkerProcess


def queues_from(text: str) -> list[str]:
    """Read a comma-separated list of queues; raises CommandError for unknown ones."""
    queues = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in queues if name not in settings.QUEUES]
    if unknown or not queues:
        raise CommandError(
            f"There is no queue {', '.join(unknown) or 'named'}:"
            f" use some of {', '.join(settings.QUEUES)}."
        )
    return queues


class Command(BaseCommand):
    # A server that is away, or a check that asks one, must not keep this from starting.
    requires_system_checks = ()
    help = "Run one worker process in the foreground (see `workers` for a pool)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queues", default=",".join(settings.QUEUES))
        parser.add_argument("--threads", type=int, default=8)
        parser.add_argument(
            "--max-tasks",
            type=int,
            default=1000,
            help="renew the process after so many",
        )
        parser.add_argument(
            "--max-memory-mb",
            type=int,
            default=DEFAULT_MEMORY_MB,
            help="renew the process when it has grown larger",
        )
        parser.add_argument(
            "--lifeline", type=int, help="a pipe held by the supervisor"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        queues = queues_from(options["queues"])
        if problem := problem_at_start(queues):
            raise CommandError(problem)
        process = WorkerProcess(
            queues, options["threads"], options["max_tasks"], options["max_memory_mb"]
        )
        process.run(options["lifeline"])
