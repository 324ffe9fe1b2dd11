"""`manage.py workers`: a pool of worker processes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tasks.broker import problem_at_start
from tasks.management.commands.worker import queues_from
from tasks.scaling import Pool
from tasks.supervising import Supervisor
from tasks.working import DEFAULT_MEMORY_MB


class Command(BaseCommand):
    # A server that is away, or a check that asks one, must not keep this from starting.
    requires_system_checks = ()
    help = "Run worker processes, each replaced when it ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queues", default=",".join(settings.QUEUES))
        parser.add_argument(
            "--processes", type=int, default=2, help="a fixed number of them"
        )
        parser.add_argument(
            "--min-processes", type=int, help="scale from so many by backlog (3)"
        )
        parser.add_argument("--max-processes", type=int, help="to so many (10)")
        parser.add_argument("--threads", type=int, default=8)
        parser.add_argument("--max-tasks", type=int, default=1000)
        parser.add_argument("--max-memory-mb", type=int, default=DEFAULT_MEMORY_MB)

    def handle(self, *args: Any, **options: Any) -> None:
        queues = queues_from(options["queues"])
        if problem := problem_at_start(queues):
            raise CommandError(problem)
        arguments = [
            f"--queues={','.join(queues)}",
            f"--threads={options['threads']}",
            f"--max-tasks={options['max_tasks']}",
            f"--max-memory-mb={options['max_memory_mb']}",
        ]
        minimum, maximum = _bounds(options)
        # Without RabbitMQ each process feeds itself, so more than one is possible but
        # of little use.
        if not settings.RABBITMQ_URL:
            minimum = maximum = 1
        pool = Pool(minimum, minimum, maximum, options["threads"])
        Supervisor(arguments, pool, queues).run()


def _bounds(options: dict[str, Any]) -> tuple[int, int]:
    """Return the least and the most processes; raises CommandError for nonsense."""
    least, most = options["min_processes"], options["max_processes"]
    if least is None and most is None:
        least = most = options["processes"]
    least = min(3, most) if least is None else least
    most = max(10, least) if most is None else most
    if not 1 <= least <= most:
        raise CommandError(
            f"{least} to {most} processes make no pool: give 1 or more, and no more for"
            " the least than for the most."
        )
    return least, most
