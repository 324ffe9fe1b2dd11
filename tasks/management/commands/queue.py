"""`manage.py queue list|pause|resume|drain|rate|concurrency`, of queues and of actors."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fliptech_site.errors import InvalidInput
from tasks import throttling
from tasks.gating import shut_actors
from tasks.metrics import actor_lengths, queue_lengths
from tasks.models import Actor, Queue

QUEUE_COLUMNS = "{:<10}{:>9}{:>10}{:>10}{:>13}{:>11}{:>8}{:>9}"
ACTOR_COLUMNS = "{:<28}{:>10}{:>10}{:>13}{:>11}{:>8}{:>9}"


def _limit(text: str) -> int | None:
    if text == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is neither a number nor `none`.") from None


class Command(BaseCommand):
    help = (
        "Show the queues; pause, resume, drain and limit them, or single actors with"
        " --actor, while workers run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="state, limits and backlog of each queue")
        for verb, told in (
            ("pause", "begin nothing; what runs goes on and what comes waits"),
            ("resume", "begin again"),
            ("drain", "finish what is there, hold what comes, then pause"),
        ):
            verbs.add_parser(verb, help=told).add_argument("names", nargs="+")
        for verb, told in (
            ("rate", "tasks that begin per minute, or `none`"),
            ("concurrency", "tasks that run at once, or `none`"),
        ):
            limit = verbs.add_parser(verb, help=told)
            limit.add_argument("names", nargs=1, metavar="name")
            limit.add_argument("limit", type=_limit)
        for verb in ("pause", "resume", "rate", "concurrency"):
            verbs.choices[verb].add_argument(
                "--actor", action="store_true", help="the names are of actors"
            )

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        kind = Actor if options.get("actor") else Queue
        try:
            for name in options.get("names") or ():
                if verb == "pause":
                    throttling.pause(name, kind)
                elif verb == "resume":
                    throttling.resume(name, kind)
                elif verb == "drain":
                    throttling.drain(name)
                elif verb == "rate":
                    throttling.limit_rate(name, options["limit"], kind)
                else:
                    throttling.limit_concurrency(name, options["limit"], kind)
        except InvalidInput as error:
            raise CommandError(str(error)) from None
        self._list_actors()
        self._list_queues()

    def _list_queues(self) -> None:
        lengths = {row[0]: row[1:] for row in queue_lengths()}
        rows = {row.name: row for row in Queue.objects.all()}
        self.stdout.write(
            QUEUE_COLUMNS.format(
                *("queue", "priority", "state", "rate/min", "concurrency"),
                *("scheduled", "queued", "running"),
            )
        )
        for queue, priority in settings.QUEUES.items():
            row = rows.get(queue, Queue(name=queue))
            limits = [row.rate_per_minute or "–", row.concurrency or "–"]
            backlog = lengths.get(queue, (0, 0, 0))
            self.stdout.write(
                QUEUE_COLUMNS.format(queue, priority, row.status, *limits, *backlog)
            )

    def _list_actors(self) -> None:
        """Show those actors that have a gate of their own; most have none."""
        shut = shut_actors()
        if not shut:
            return
        lengths = {row[0]: row[1:] for row in actor_lengths()}
        self.stdout.write(
            ACTOR_COLUMNS.format(
                *("actor", "state", "rate/min", "concurrency"),
                *("scheduled", "queued", "running"),
            )
        )
        for name, gate in sorted(shut.items()):
            state = "paused" if gate.is_paused else "open"
            limits = [gate.rate_per_minute or "–", gate.concurrency or "–"]
            backlog = lengths.get(name, (0, 0, 0))
            self.stdout.write(ACTOR_COLUMNS.format(name, state, *limits, *backlog))
        self.stdout.write("")
