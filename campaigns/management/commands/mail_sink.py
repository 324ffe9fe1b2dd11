"""`manage.py mail_sink`: the local SMTP server whose inbox is read in admin."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from campaigns.sink import sink_server


class Command(BaseCommand):
    help = "Receive test mail over SMTP and keep it for the inbox in admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--listen", default=settings.MAIL_SINK, help="host:port (MAIL_SINK)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        listen = options["listen"]
        host, _, port = listen.rpartition(":")
        if not host or not port.isdigit():
            raise CommandError(
                f"MAIL_SINK is {listen!r}: write host:port, such as 127.0.0.1:8025."
            )
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        server = sink_server(host.strip("[]"), int(port))
        try:
            server.start()
        except OSError as error:
            raise CommandError(
                f"The mail sink can't listen at {listen} ({error.strerror or error}):"
                " choose another place with MAIL_SINK or --listen."
            ) from error
        self.stdout.write(f"Mail sink: {listen}")
        self.stdout.flush()
        stop.wait()
        server.stop()
        self.stderr.write("Mail sink stopped.")
