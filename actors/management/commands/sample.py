"""`manage.py sample serve|load|run`: the sample territory and the main job on it."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from actors.main_job.following import TimeIsUp
from actors.main_job.funnel import Funnel, table, what_is_missing
from actors.main_job.loading import load_sample
from actors.main_job.running import MainJob
from actors.main_job.showing import Progress
from fliptech_site.errors import InvalidInput
from leads.sample_territory.serving import Territory

_LOOK = "`manage.py task list` and the admin's Run > Tasks show what remains"


class Command(BaseCommand):
    help = "The sample territory: serve it, load what belongs to it, run the main job."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        serve = steps.add_parser("serve", help="serve the made-up town on loopback")
        serve.add_argument(
            "--port", type=int, default=settings.SAMPLE_PORT, help="0 takes a free one"
        )
        steps.add_parser("load", help="make consent, account, template and campaign")
        run = steps.add_parser("run", help="run the whole funnel and print it")
        run.add_argument("--timeout", type=float, default=300, metavar="SECONDS")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        try:
            if step == "serve":
                self._serve(options["port"])
            elif step == "load":
                self._load()
            else:
                self._run(options["timeout"])
        except InvalidInput as error:
            raise CommandError(str(error)) from None

    def _serve(self, port: int) -> None:
        """Serve until interrupted; the first line on stdout says where."""
        try:
            territory = Territory(port)
        except OSError as error:
            raise CommandError(
                f"The sample territory can't be served on port {port} ({error.strerror}):"
                " choose another one with SAMPLE_PORT or --port."
            ) from error
        with territory:
            self.stdout.write(f"Sample territory: http://localhost:{territory.port}/")
            self.stdout.flush()
            try:
                territory.serve_forever()
            except KeyboardInterrupt:
                self.stderr.write("The sample territory has stopped.")

    def _load(self) -> None:
        loaded = load_sample()
        self.stdout.write(
            f"Made {', '.join(loaded.made)}."
            if loaded.made
            else "Everything was there already; nothing was changed."
        )

    def _run(self, timeout_seconds: float) -> None:
        started = time.monotonic()
        job = MainJob(Progress(sys.stderr), timeout_seconds)
        problem = ""
        try:
            funnel = job.run()
        except TimeIsUp:
            funnel = job.funnel()
            problem = f"The main job was not done after {timeout_seconds:.0f} seconds; {_LOOK}."
        except KeyboardInterrupt:
            raise CommandError(
                f"Interrupted. The work goes on in the workers: {_LOOK}; run this again"
                " to follow it to its end."
            ) from None
        self._print(funnel, time.monotonic() - started)
        problem = what_is_missing(funnel) or problem
        if problem:
            raise CommandError(problem)

    def _print(self, funnel: Funnel, seconds: float) -> None:
        self.stdout.write(table(funnel))
        result = {
            "broker": "rabbitmq" if settings.RABBITMQ_URL else "in-process",
            "database": _database(),
            **funnel.as_json(),
            "seconds": round(seconds, 1),
        }
        self.stdout.write(json.dumps(result))


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}"
