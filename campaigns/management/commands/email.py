"""`manage.py email send|test|lint`: one mail, a test to oneself, a template's faults."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model, QuerySet

from campaigns.linting import Level
from campaigns.models import Account, Campaign, Template
from campaigns.reviewing import review
from campaigns.sending import send_email
from campaigns.states import EmailState
from campaigns.writing import enqueue_single, request_test, send_test, write_single
from fliptech_site.errors import FlipTechError
from leads.models import Lead

M = TypeVar("M", bound=Model)

#: Names that are told to whoever asks for one that isn't there.
_NAMED = 10


class Command(BaseCommand):
    help = "Send one e-mail to one lead or a test to yourself; judge a template."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        send = steps.add_parser("send", help="one mail to one lead")
        send.add_argument(
            "--lead", required=True, metavar="LEAD", help="its number or e-mail address"
        )
        send.add_argument(
            "--template", required=True, metavar="NAME", help="its number or name"
        )
        send.add_argument(
            "--account", required=True, metavar="NAME", help="its number or name"
        )
        test = steps.add_parser("test", help="a campaign's mail to yourself")
        test.add_argument(
            "--campaign", required=True, metavar="NAME", help="its number or name"
        )
        test.add_argument("--to", required=True, metavar="ADDRESS")
        test.add_argument(
            "--lead", metavar="LEAD", help="fill it in for this one; as for send"
        )
        test.add_argument(
            "--server",
            action="store_true",
            help="through the account's server instead of the local mail sink",
        )
        for sub in (send, test):
            sub.add_argument(
                "--now",
                action="store_true",
                help="send here and say what came of it; else a worker sends it",
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
                self._test(options)
        except FlipTechError as error:
            raise CommandError(str(error)) from None

    def _send(self, options: dict[str, Any]) -> None:
        lead = _lead(options["lead"])
        template = _find(Template.objects.all(), options["template"])
        account = _find(Account.objects.all(), options["account"])
        email = write_single(lead, template, account)
        if options["now"]:
            self._tell(email.address, send_email(email.pk))
        else:
            enqueue_single(email)
            self.stdout.write(f"The mail to {email.address} is enqueued.")

    def _lint(self, written: str, *, as_json: bool) -> None:
        """Print the findings; an error makes the exit status 1."""
        template = _find(Template.objects.all(), written)
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

    def _test(self, options: dict[str, Any]) -> None:
        campaign: Campaign = _find(Campaign.objects.all(), options["campaign"])
        to, to_sink = options["to"], not options["server"]
        lead_id = _lead(options["lead"]).pk if options["lead"] else None
        if options["now"]:
            result = send_test(campaign.pk, to, lead_id=lead_id, test_mode=to_sink)
            self._tell(to, result)
        else:
            request_test(campaign.pk, to, lead_id=lead_id, test_mode=to_sink)
            self.stdout.write(f"The test mail to {to} is enqueued.")

    def _tell(self, address: str, result: dict[str, Any]) -> None:
        """Say what came of it; only a mail that went ends with code 0."""
        detail = result["detail"] or result["reason"]
        if result["state"] != EmailState.SENT:
            state = EmailState(result["state"]).label
            raise CommandError(f"The mail to {address} is {state}: {detail}")
        self.stdout.write(f"{address}: sent. {detail}".strip())


def _lead(written: str) -> Lead:
    leads = Lead.objects.active()
    if written.isdecimal():
        found = leads.filter(pk=int(written[:18])).first()
    else:
        found = leads.filter(email__iexact=written).order_by("pk").first()
    if found is None:
        raise CommandError(
            f"There is no lead {written!r}: give the number or the e-mail address of an"
            " active one."
        )
    return found


def _find(rows: QuerySet[M], written: str) -> M:
    found = rows.filter(name=written).first()
    if found is None and written.isdecimal():
        found = rows.filter(pk=int(written[:18])).first()
    if found is None:
        names = ", ".join(f"{row.pk} {str(row)!r}" for row in rows[:_NAMED])
        raise CommandError(
            f"There is no {rows.model._meta.verbose_name} {written!r}; there are:"
            f" {names or 'none yet'}."
        )
    return found
