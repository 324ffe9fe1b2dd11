"""`manage.py sample serve|load|run`: the sample territory and the main job on it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from leads.sample_territory.serving import Territory


class Command(BaseCommand):
    help = "The sample territory: serve it, load what belongs to it, run the main job."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        serve = steps.add_parser("serve", help="Serve the made-up town on loopback.")
        serve.add_argument(
            "--port", type=int, default=settings.SAMPLE_PORT, help="0 takes a free one."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.serve(options["port"])

    def serve(self, port: int) -> None:
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
                self.stderr.write("Sample territory stopped.")
