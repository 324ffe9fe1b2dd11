"""`manage.py queue list|pause|resume|drain|rate|concurrency`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fliptech_site.errors import InvalidInput
from tasks import throttling
from tasks.metrics import queue_lengths
from tasks.models import Queue

COLUMNS = "{:<10}{:>9}{:>10}{:>10}{:>13}{:>11}{:>8}{:>9}"


def _limit(text: str) -> int | None:
    if text == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is neither a number nor `none`.") from None


class Command(BaseCommand):
    help = "Show the queues; pause, resume, drain and limit them while workers run."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="state, limits and backlog of each queue")
        for verb, told in (
            ("pause", "begin nothing; what runs goes on and what comes waits"),
            ("resume", "begin again"),
            ("drain", "finish what is there, hold what comes, then pause"),
        ):
            verbs.add_parser(verb, help=told).add_argument("queues", nargs="+")
        for verb, told in (
            ("rate", "tasks that begin per minute, or `none`"),
            ("concurrency", "tasks that run at once, or `none`"),
        ):
            limit = verbs.add_parser(verb, help=told)
            limit.add_argument("queues", nargs=1, metavar="queue")
            limit.add_argument("limit", type=_limit)

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        if verb == "list":
            self._list()
            return
        plain: dict[str, Callable[[str], None]] = {
            "pause": throttling.pause,
            "resume": throttling.resume,
            "drain": throttling.drain,
        }
        try:
            for queue in options["queues"]:
                if verb in plain:
                    plain[verb](queue)
                elif verb == "rate":
                    throttling.limit_rate(queue, options["limit"])
                else:
                    throttling.limit_concurrency(queue, options["limit"])
        except InvalidInput as error:
            raise CommandError(str(error)) from None
        self._list()

    def _list(self) -> None:
        lengths = {row[0]: row[1:] for row in queue_lengths()}
        rows = {row.name: row for row in Queue.objects.all()}
        self.stdout.write(
            COLUMNS.format(
                *("queue", "priority", "state", "rate/min", "concurrency"),
                *("scheduled", "queued", "running"),
            )
        )
        for queue, priority in settings.QUEUES.items():
            row = rows.get(queue, Queue(name=queue))
            limits = [row.rate_per_minute or "–", row.concurrency or "–"]
            backlog = lengths.get(queue, (0, 0, 0))
            self.stdout.write(
                COLUMNS.format(queue, priority, row.status, *limits, *backlog)
            )
