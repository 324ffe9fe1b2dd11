"""`manage.py workers`: a pool of worker processes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tasks.management.commands.worker import queues_from
from tasks.supervising import Supervisor


class Command(BaseCommand):
    # A server that is away, or a check that asks one, must not keep this from starting.
    requires_system_checks = ()
    help = "Run worker processes, each replaced when it ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queues", default=",".join(settings.QUEUES))
        parser.add_argument("--processes", type=int, default=2)
        parser.add_argument("--threads", type=int, default=8)
        parser.add_argument("--max-tasks", type=int, default=1000)

    def handle(self, *args: Any, **options: Any) -> None:
        queues = queues_from(options["queues"])
        arguments = [
            f"--queues={','.join(queues)}",
            f"--threads={options['threads']}",
            f"--max-tasks={options['max_tasks']}",
        ]
        # Without RabbitMQ each process feeds itself, so more than one is possible but
        # of little use.
        processes = options["processes"] if settings.RABBITMQ_URL else 1
        Supervisor(arguments, processes).run()
