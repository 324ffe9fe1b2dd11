"""`manage.py task send|show|list|retry|cancel|rekey`."""

from __future__ import annotations

import json
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from fliptech_site.errors import InvalidInput
from tasks.archiving import archive_summary, find_archived
from tasks.controlling import cancel, find_task, retry
from tasks.enqueueing import enqueue
from tasks.models import Task, summary
from tasks.opening import opened
from tasks.rekeying import rekey, rows_by_key
from tasks.sealing import SEALED, key_number, shown_text
from tasks.states import FINISHED, State

UNSEAL = "show what an encrypted task carries"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a task id; `manage.py task list` shows them."
        ) from None


class Command(BaseCommand):
    help = (
        "Send, show, list, retry and cancel tasks; rotate the keys of encrypted ones."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        send = verbs.add_parser("send", help="enqueue an actor")
        send.add_argument("actor")
        send.add_argument(
            "arguments",
            nargs="*",
            metavar="name=value",
            help="values are JSON, or text",
        )
        send.add_argument(
            "--priority", type=int, default=5, help="0 (last) to 10 (first)"
        )
        send.add_argument("--unique-key")
        send.add_argument("--wait", type=float, metavar="SECONDS")
        send.add_argument("--unseal", action="store_true", help=UNSEAL)
        show = verbs.add_parser("show", help="status, progress, result and attempts")
        show.add_argument("id", type=_uuid)
        show.add_argument("--unseal", action="store_true", help=UNSEAL)
        verbs.add_parser(
            "rekey", help="encrypt everything with the newest of TASK_KEYS"
        )
        listing = verbs.add_parser("list", help="the newest tasks")
        listing.add_argument("--state", choices=State.values)
        listing.add_argument("--actor")
        listing.add_argument("--queue")
        listing.add_argument("--limit", type=int, default=20)
        for verb in ("retry", "cancel"):
            verbs.add_parser(verb).add_argument("ids", nargs="+", type=_uuid)

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        actions: dict[str, Callable[..., None]] = {
            "send": self._send,
            "show": self._show,
            "list": self._list,
            "retry": self._retry,
            "cancel": self._cancel,
            "rekey": self._rekey,
        }
        try:
            actions[verb](**options)
        except InvalidInput as error:
            raise CommandError(str(error)) from None

    def _send(
        self,
        actor: str,
        arguments: list[str],
        priority: int,
        unique_key: str | None,
        wait: float | None,
        unseal: bool,
        **_: Any,
    ) -> None:
        kwargs = dict(_name_and_value(text) for text in arguments)
        task_id = enqueue(actor, priority=priority, unique_key=unique_key, **kwargs)
        self.stdout.write(str(task_id))
        if wait is not None:
            self._wait(task_id, wait, unseal)

    def _wait(self, task_id: UUID, seconds: float, unseal: bool) -> None:
        deadline = time.monotonic() + seconds
        while (task := find_task(task_id)).state not in FINISHED:
            if time.monotonic() > deadline:
                raise CommandError(
                    f"Task {task_id} is {task.status} after {seconds:g} s;"
                    " it goes on. Are workers running?"
                )
            time.sleep(0.1)
        told = opened(task) if unseal else summary(task)
        self.stdout.write(json.dumps(told, indent=2))
        if task.state != State.SUCCEEDED:
            raise CommandError(f"Task {task_id} {task.status}: {told['error']}")

    def _show(self, id: UUID, unseal: bool, **_: Any) -> None:
        archived = find_archived(id)
        if archived is not None:
            self.stdout.write(json.dumps(archive_summary(archived), indent=2))
            return
        task = find_task(id)
        carried = SEALED if task.is_sealed else task.kwargs
        told = opened(task) if unseal else summary(task) | {"kwargs": carried}
        told["attempts"] = []
        for attempt in task.attempts.all():
            told["attempts"].append(
                {
                    "number": attempt.number,
                    "outcome": attempt.outcome,
                    "seconds": (
                        attempt.finished_at - attempt.started_at
                    ).total_seconds(),
                    "error": shown_text(attempt.error_message, unseal) or None,
                }
            )
        self.stdout.write(json.dumps(told, indent=2))

    def _list(
        self,
        state: str | None,
        actor: str | None,
        queue: str | None,
        limit: int,
        **_: Any,
    ) -> None:
        wanted = {"state": state, "actor": actor, "queue": queue}
        tasks = Task.objects.filter(**{k: v for k, v in wanted.items() if v})
        for task in tasks.order_by("-created_at")[: max(limit, 0)]:
            age = (timezone.now() - task.created_at).total_seconds()
            self.stdout.write(
                f"{task.id}  {task.status:<9}  {task.queue:<8}  {task.actor:<28}"
                f"  {age:8.0f} s ago  {task.error_shown[:60]}".rstrip()
            )

    def _retry(self, ids: list[UUID], **_: Any) -> None:
        for task_id in ids:
            retry(task_id)
            self.stdout.write(f"{task_id} runs again.")

    def _rekey(self, **_: Any) -> None:
        def tell(done: int, total: int) -> None:
            self.stdout.write(f"{done} of {total} rows looked at")

        rotation = rekey(tell)
        self.stdout.write(f"{rotation.rewritten} rows are encrypted anew.")
        rows = rows_by_key()
        newest, *earlier = [key_number(word) for word in settings.TASK_KEYS]
        self.stdout.write(
            f"{rows.pop(newest, 0)} rows are under the newest key, {newest}."
        )
        for number in earlier:
            left = rows.pop(number, 0)
            hint = "run this again" if left else "it may be removed from TASK_KEYS"
            self.stdout.write(f"{left} rows remain under the key {number}: {hint}.")
        for number, left in rows.items():
            self.stdout.write(
                f"{left} rows are under the key {number}, which TASK_KEYS does not hold:"
                " add it at the end, or they can't be read."
            )

    def _cancel(self, ids: list[UUID], **_: Any) -> None:
        for task_id in ids:
            state = cancel(task_id)
            told = "is asked to stop" if state == State.RUNNING else f"is {state}"
            self.stdout.write(f"{task_id} {told}.")


def _name_and_value(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise CommandError(
            f"{text!r} is not of the form name=value, such as lead_id=5."
        )
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
