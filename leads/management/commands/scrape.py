"""`manage.py scrape SOURCE --location … --category … --max … [--wait]`."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from fliptech_site.errors import FlipTechError, InvalidInput
from leads.checking_scrapes import CHECKS, check_scrape
from leads.outcomes import Outcome
from leads.page_importing import import_page
from leads.sources import LISTING_SOURCES, find_source
from leads.visiting import lead_to_visit
from tasks.enqueueing import enqueue
from tasks.models import Task
from tasks.states import FINISHED, State

#: Source -> option -> the argument that it fills.
_ARGUMENTS = {
    "craigslist": {
        "location": "location",
        "category": "category",
        "max": "max_results",
    },
    "google_maps": {
        "location": "location",
        # Either word: what is a category elsewhere is what is looked for here.
        "category": "query",
        "query": "query",
        "max": "max_results",
    },
    "job_boards": {
        "board": "board",
        # Boards of remote work list by category as others list by company.
        "category": "company",
        "company": "company",
        "max": "max_results",
        "file": "path",
        "url": "website",
    },
    "linkedin": {
        "location": "location",
        "category": "query",
        "query": "query",
        "max": "max_results",
        "file": "path",
    },
    "website": {"lead": "lead_id", "url": "url"},
}
_OPTIONS = {
    "location": "craigslist: sfbay; google_maps: a place, or south,west,north,east",
    "category": "craigslist: bbb; google_maps: plumber; job_boards: a feed's category",
    "query": "google_maps, linkedin: what to look for",
    "board": "job_boards: greenhouse, lever, hacker_news …",
    "company": "job_boards: the company as the board's address names it",
    "file": "a saved page, answer or Connections.csv; no request goes out",
    "url": "website: its address; job_boards: the company's site; else the page's own",
}


class Command(BaseCommand):
    help = "Gather leads from a source; workers do the work."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
        parser.add_argument("source", choices=list(_ARGUMENTS))
        for name, text in _OPTIONS.items():
            names = ["--file", "--page"] if name == "file" else [f"--{name}"]
            parser.add_argument(*names, help=text, default=argparse.SUPPRESS)
        for name, text in (("max", "leads at most"), ("lead", "website: a lead's id")):
            parser.add_argument(
                f"--{name}", type=int, help=text, default=argparse.SUPPRESS
            )
        parser.add_argument(
            "--wait", action="store_true", help="wait for the end and show the outcome"
        )

    def handle(self, *args: Any, source: str, wait: bool, **options: Any) -> None:
        if source in LISTING_SOURCES and "file" in options:
            self._import(source, Path(options["file"]), options.get("url", ""))
            return
        try:
            actor, arguments = _checked(source, options)
            task_id = enqueue(actor, **arguments)
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
            now = standing_of(task)
            if now not in ("", told):
                self.stdout.write(now)
                told = now
            time.sleep(0.2)
        if task.state != State.SUCCEEDED:
            raise CommandError(task.error_message or f"The task is {task.state}.")
        self.stdout.write(json.dumps(task.result))


def standing_of(task: Task) -> str:
    """Say how far a task is, or why it waits; empty while there is nothing to say."""
    if task.state == State.SCHEDULED and task.error_shown:
        when = timezone.localtime(task.run_at)
        return f"To be tried again at {when:%H:%M:%S}: {task.error_shown}"
    if not task.progress_total:
        return ""
    return f"{task.progress_done} of {task.progress_total} {task.progress_note}"


def _checked(source: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Give actor and arguments; what can't work is said here, not by a failed task."""
    takes = _ARGUMENTS[source]
    given: dict[str, Any] = {}
    for option in (*_OPTIONS, "max", "lead"):
        if option not in options:
            continue
        if option not in takes:
            usable = ", ".join(f"--{each}" for each in takes)
            raise InvalidInput(f"{source} takes no --{option}: use {usable}.")
        given[takes[option]] = options[option]
    if source == "website":
        return "scrape_website", {"lead_id": lead_to_visit(**given)}
    if given.get("path"):
        given["path"] = _existing(given["path"])
    assert source in CHECKS
    needed = {"google_maps": "query", "job_boards": ""}.get(source)
    if needed and needed not in given:
        raise InvalidInput(f"{source} has to know what to look for: add --{needed}.")
    return check_scrape(source, given)


def _existing(path: str) -> str:
    """Give the path as workers find it, who may stand in another folder."""
    if not Path(path).is_file():
        raise InvalidInput(f"There is no file {path!r}: check its name.")
    return str(Path(path).resolve())
