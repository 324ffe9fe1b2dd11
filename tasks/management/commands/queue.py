"""`manage.py queue list`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tasks.metrics import queue_lengths


class Command(BaseCommand):
    help = "Show the queues and how much waits in each."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser(
            "list", help="priority, scheduled, queued and running per queue"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lengths = {row[0]: row[1:] for row in queue_lengths()}
        self.stdout.write(
            f"{'queue':<10}{'priority':>9}{'scheduled':>11}{'queued':>8}{'running':>9}"
        )
        for queue, priority in settings.QUEUES.items():
            scheduled, queued, running = lengths.get(queue, (0, 0, 0))
            self.stdout.write(
                f"{queue:<10}{priority:>9}{scheduled:>11}{queued:>8}{running:>9}"
            )
