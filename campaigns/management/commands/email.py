"""`manage.py email send|test|lint`: one mail, a test to oneself, a template's faults."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model

from campaigns.linting import Level
from campaigns.models import Account, Template
from campaigns.reviewing import review
from campaigns.sending import send_email
from campaigns.writing import enqueue_single, request_test, write_single
from fliptech_site.errors import FlipTechError
from leads.models import Lead

M = TypeVar("M", bound=Model)


class Command(BaseCommand):
    help = "Send one e-mail to one lead or a test to yourself; judge a template."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        send = steps.add_parser("send", help="one mail to one lead")
        send.add_argument("--lead", type=int, required=True, metavar="ID")
        send.add_argument("--template", type=int, required=True, metavar="ID")
        send.add_argument("--account", type=int, required=True, metavar="ID")
        send.add_argument(
            "--now", action="store_true", help="send here, don't leave it to a worker"
        )
        test = steps.add_parser("test", help="a campaign's mail to yourself")
        test.add_argument("--campaign", type=int, required=True, metavar="ID")
        test.add_argument("--to", required=True, metavar="ADDRESS")
        test.add_argument(
            "--lead", type=int, metavar="ID", help="fill it in for this lead"
        )
        test.add_argument(
            "--server",
            action="store_true",
            help="through the account's server instead of the local mail sink",
        )

        judge = steps.add_parser("lint", help="what is wrong with a template")
        judge.add_argument("template", help="its number or name")
        judge.add_argument("--json", action="store_true", help="one object")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        try:
            if step == "send":
                self._send(options)
            elif step == "lint":
                self._lint(options["template"], as_json=options["json"])
            else:
                request_test(
                    options["campaign"],
                    options["to"],
                    lead_id=options["lead"],
                    test_mode=not options["server"],
                )
                self.stdout.write(f"The test mail to {options['to']} is enqueued.")
        except FlipTechError as error:
            raise CommandError(str(error)) from None

    def _send(self, options: dict[str, Any]) -> None:
        email = write_single(
            _get(Lead, options["lead"]),
            _get(Template, options["template"]),
            _get(Account, options["account"]),
        )
        if options["now"]:
            result = send_email(email.pk)
            self.stdout.write(f"{email.address}: {result['state']}. {result['detail']}")
        else:
            enqueue_single(email)
            self.stdout.write(f"The mail to {email.address} is enqueued.")

    def _lint(self, written: str, *, as_json: bool) -> None:
        """Print the findings; an error makes the exit status 1."""
        template = _template(written)
        findings = review(template)
        if as_json:
            found = [finding._asdict() for finding in findings]
            self.stdout.write(
                json.dumps({"template": template.name, "findings": found})
            )
        else:
            for finding in findings:
                self.stdout.write(
                    f"{finding.level:<8}{finding.code:<16}{finding.sentence}"
                )
        errors = sum(finding.level is Level.ERROR for finding in findings)
        if errors:
            raise CommandError(f"{template} can't be sent like this: {errors} errors.")
        if not findings and not as_json:
            self.stdout.write(f"{template}: nothing to find fault with.")


def _template(written: str) -> Template:
    found = Template.objects.filter(name=written).first()
    if found is None and written.isdecimal():
        found = Template.objects.filter(pk=int(written)).first()
    if found is None:
        raise CommandError(f"There is no template {written!r}.")
    return found


def _get(model: type[M], pk: int) -> M:
    found = model._default_manager.filter(pk=pk).first()
    if found is None:
        raise CommandError(f"There is no {model._meta.verbose_name} {pk}.")
    return found
