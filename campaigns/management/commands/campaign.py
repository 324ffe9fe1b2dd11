"""`manage.py campaign launch|pause|resume|cancel|status|why`: campaigns by hand."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from campaigns import launching, scheduling
from campaigns.explaining import MAX_FOUND, find_recipients, say, why_unknown
from campaigns.models import Campaign
from campaigns.outlook import Outlook, outlook
from campaigns.reporting import Report, report_on
from campaigns.reviewing import warnings_of
from fliptech_site.errors import FlipTechError

#: Names that are told to whoever asks for one that isn't there.
_NAMED = 10


class Command(BaseCommand):
    help = "Launch, pause, resume or cancel a campaign; say how it stands, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        for step, text in (
            ("launch", "enqueue its launch; works while RabbitMQ is down"),
            ("pause", "hold back what has not been claimed"),
            ("resume", "go on with a paused campaign"),
            ("cancel", "stop it for good"),
            ("status", "its plan, mails by state, funnel, figures by step and account"),
            ("why", "why has this address got no mail?"),
        ):
            sub = steps.add_parser(step, help=text)
            sub.add_argument("campaign", help="its number or name")
            if step == "launch":
                sub.add_argument(
                    "--at",
                    metavar="TIME",
                    help="launch then instead of now: 2026-12-01 09:00 (TIME_ZONE) or"
                    " 2026-12-01T09:00+01:00",
                )
            if step in ("pause", "cancel"):
                sub.add_argument("--reason", default="", help="shown on its page")
            if step == "why":
                sub.add_argument(
                    "address",
                    help="an e-mail address, its beginning, or a lead's name or number",
                )
            if step in ("status", "why"):
                sub.add_argument(
                    "--json", action="store_true", help="print one JSON object"
                )

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        try:
            campaign = _find(options["campaign"])
            if step == "why":
                self._why(campaign, options["address"], as_json=options["json"])
            elif step == "status":
                self._status(campaign, as_json=options["json"])
            else:
                self._move(campaign, step, options)
        except FlipTechError as error:
            raise CommandError(str(error)) from None

    def _move(self, campaign: Campaign, step: str, options: dict[str, Any]) -> None:
        if options.get("at"):
            when = _read_time(options["at"])
            scheduling.schedule(campaign.pk, when)
            self.stdout.write(f"{campaign}: it launches on {when:%d %B %Y at %H:%M %Z}")
            return
        reason = options.get("reason", "")
        moves: dict[str, Callable[[], object]] = {
            "launch": lambda: launching.request_launch(campaign.pk),
            "pause": lambda: launching.pause(campaign.pk, reason=reason),
            "resume": lambda: launching.resume(campaign.pk),
            "cancel": lambda: launching.cancel(campaign.pk, reason=reason),
        }
        moves[step]()
        campaign.refresh_from_db()
        said = "its launch is enqueued" if step == "launch" else campaign.state
        self.stdout.write(f"{campaign}: {said}")
        if step == "launch":
            for warning in warnings_of(campaign):
                self.stderr.write(f"Warning: {warning}")

    def _status(self, campaign: Campaign, *, as_json: bool) -> None:
        report = report_on(campaign)
        plan = outlook(campaign, report.open_by_account)
        if as_json:
            self.stdout.write(json.dumps(_as_json(campaign, report, plan)))
            return
        self.stdout.write(
            f"{campaign}: {campaign.state} {campaign.state_reason}".strip()
        )
        for line in _plan_lines(plan):
            self.stdout.write(line)
        told = report.as_json()
        for title, counts in told.items():
            for name, count in counts.items():
                if isinstance(count, dict):
                    count = ", ".join(
                        f"{n:,} {what.replace('_', ' ')}" for what, n in count.items()
                    )
                    self.stdout.write(f"{title:<10} {name}: {count or 'nothing yet'}")
                else:
                    label = name.replace("_", " ")
                    self.stdout.write(f"{title:<10} {label:<42}{count:>10,}")

    def _why(self, campaign: Campaign, asked: str, *, as_json: bool) -> None:
        recipients = find_recipients(campaign, asked)
        if not recipients:
            raise CommandError(why_unknown(campaign, asked))
        answers = say(recipients)
        if as_json:
            self.stdout.write(
                json.dumps({"campaign": campaign.name, "recipients": answers})
            )
            return
        for answer in answers:
            address = f" <{answer['address']}>" if answer["address"] else ""
            self.stdout.write(f"{answer['lead']}{address}: {answer['why']}")
            for sentence in answer["more"]:
                self.stdout.write(f"    {sentence}")
        if len(answers) == MAX_FOUND:
            self.stdout.write("There may be more: write more of the address.")


def _plan_lines(plan: Outlook) -> list[str]:
    days = "more than a year" if plan.days is None else f"{plan.days} days"
    days = "1 day" if plan.days == 1 else days
    today = f"Today {plan.sent_today:,} of {plan.planned_today:,} sent;"
    left = f"{plan.left:,} still to be sent, {days} at this pace."
    lines = [f"{today} {left if plan.left else 'nothing waits to be sent.'}"]
    if plan.next_at is not None:
        lines.append(f"Next mail: {plan.next_at:%d %B %Y at %H:%M:%S} UTC.")
    for account in plan.accounts:
        of = "" if account.allowed is None else f" of {account.allowed:,}"
        lines.append(f"Account {account.name}: today {account.sent:,}{of}.")
    return lines


def _as_json(campaign: Campaign, report: Report, plan: Outlook) -> dict[str, Any]:
    return {
        "id": campaign.pk,
        "name": campaign.name,
        "state": campaign.state,
        "state_reason": campaign.state_reason,
        "plan": {
            "sent_today": plan.sent_today,
            "planned_today": plan.planned_today,
            "left": plan.left,
            "days": plan.days,
            "next_at": plan.next_at.isoformat() if plan.next_at else None,
            "accounts": {
                account.name: {"sent_today": account.sent, "allowed": account.allowed}
                for account in plan.accounts
            },
        },
        **report.as_json(),
    }


def _read_time(written: str) -> datetime:
    try:
        when = parse_datetime(written)
    except ValueError:
        when = None
    if when is None:
        raise CommandError(
            f"{written!r} is no time: write it as 2026-12-01 09:00, with +01:00 behind"
            " it for another time zone than TIME_ZONE."
        )
    return when if timezone.is_aware(when) else timezone.make_aware(when)


def _find(written: str) -> Campaign:
    campaigns = Campaign.objects.all()
    found = campaigns.filter(name=written).first()
    if found is None and written.isdecimal():
        found = campaigns.filter(pk=int(written[:18])).first()
    if found is None:
        names = ", ".join(f"{c.pk} {c.name!r}" for c in campaigns[:_NAMED])
        raise CommandError(
            f"There is no campaign {written!r}; there are: {names or 'none yet'}."
        )
    return found
