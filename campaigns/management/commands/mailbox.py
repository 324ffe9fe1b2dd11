"""`manage.py mailbox read|check NAME`: read a mailbox here, or see whether it could be."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns.models import Mailbox
from campaigns.receiving.reading import check_mailbox, read_mailbox
from fliptech_site.errors import FlipTechError


class Command(BaseCommand):
    help = "Read a mailbox now, or check whether it can be read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        read = steps.add_parser("read", help="store what has come and act on it")
        check = steps.add_parser("check", help="log in and count; stores nothing")
        for each in (read, check):
            each.add_argument("name", metavar="NAME")

    def handle(self, *args: Any, step: str, name: str, **options: Any) -> None:
        mailbox = Mailbox.objects.filter(name=name).first()
        if mailbox is None:
            names = Mailbox.objects.values_list("name", flat=True)
            raise CommandError(
                f"There is no mailbox {name!r}; there are: {', '.join(names) or 'none'}."
            )
        try:
            if step == "check":
                self._check(mailbox)
            else:
                counts = read_mailbox(mailbox.pk)
                self.stdout.write(
                    f"{name}: {counts['stored']} new, {counts['acted']} acted on,"
                    f" {counts['left_out']} left out."
                )
        except FlipTechError as error:
            raise CommandError(str(error)) from None

    def _check(self, mailbox: Mailbox) -> None:
        for folder, count in check_mailbox(mailbox).items():
            self.stdout.write(
                f"{folder}: {count} messages since {mailbox.reads_since:%Y-%m-%d}."
            )
