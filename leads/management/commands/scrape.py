"""`manage.py scrape craigslist --location … --category … --max … [--wait] [--page …]`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fliptech_site.errors import FlipTechError
from leads.consents import require_consent
from leads.outcomes import Outcome
from leads.page_importing import import_page
from leads.sources import LISTING_SOURCES, find_source
from tasks.enqueueing import enqueue
from tasks.models import Task
from tasks.states import FINISHED, State


class Command(BaseCommand):
    help = "Gather leads from a source; workers do the work."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", choices=list(LISTING_SOURCES))
        parser.add_argument("--location", default="sfbay")
        parser.add_argument("--category", default="bbb")
        parser.add_argument("--max", type=int, default=100, dest="max_results")
        parser.add_argument(
            "--wait", action="store_true", help="wait for the end and show the outcome"
        )
        parser.add_argument(
            "--page", type=Path, help="import this saved page; no request goes out"
        )
        parser.add_argument("--url", default="", help="the address of the saved page")

    def handle(self, *args: Any, source: str, wait: bool, **options: Any) -> None:
        if options["page"]:
            self._import(source, options["page"], options["url"])
            return
        wanted = {key: options[key] for key in ("location", "category", "max_results")}
        try:
            # What can't work is said here and not by a failed task.
            checked = find_source(source).check(wanted)
            require_consent(find_source(source))
            task_id = enqueue(f"scrape_{source}", **checked)
        except FlipTechError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Task {task_id} scrapes {source}.")
        if wait:
            self._wait(task_id)

    def _import(self, source: str, page: Path, url: str) -> None:
        result = import_page(find_source(source), page, url=url)
        self.stdout.write(json.dumps(result))
        if result["outcome"] == Outcome.ERROR:
            raise CommandError(result["reason"])

    def _wait(self, task_id: UUID) -> None:
        told = ""
        while (task := Task.objects.get(pk=task_id)).state not in FINISHED:
            now = f"{task.progress_done} of {task.progress_total} {task.progress_note}"
            if task.progress_total and now != told:
                self.stdout.write(now)
                told = now
            time.sleep(0.2)
        if task.state != State.SUCCEEDED:
            raise CommandError(task.error_message or f"The task is {task.state}.")
        self.stdout.write(json.dumps(task.result))
