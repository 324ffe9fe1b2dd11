"""`manage.py campaign launch|pause|resume|cancel|status|why`: campaigns by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns import launching
from campaigns.explaining import why
from campaigns.measuring import figures_of
from campaigns.models import Campaign, Recipient
from campaigns.reviewing import warnings_of
from fliptech_site.errors import FlipTechError


class Command(BaseCommand):
    help = "Launch, pause, resume or cancel a campaign; say how it stands, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        for step, text in (
            ("launch", "enqueue its launch; works while RabbitMQ is down"),
            ("pause", "hold back what has not been claimed"),
            ("resume", "go on with a paused campaign"),
            ("cancel", "stop it for good"),
            ("status", "mails by state, skipped by reason"),
        ):
            sub = steps.add_parser(step, help=text)
            sub.add_argument("campaign", help="its number or name")
        explain = steps.add_parser("why", help="why has this address got no mail?")
        explain.add_argument("campaign", help="its number or name")
        explain.add_argument("address", help="an e-mail address, or part of one")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        try:
            campaign = _find(options["campaign"])
            if step == "why":
                self._why(campaign, options["address"])
            elif step == "status":
                self._status(campaign)
            else:
                self._move(campaign, step)
        except FlipTechError as error:
            raise CommandError(str(error)) from None

    def _move(self, campaign: Campaign, step: str) -> None:
        moves: dict[str, Callable[[int], object]] = {
            "launch": launching.request_launch,
            "pause": launching.pause,
            "resume": launching.resume,
            "cancel": launching.cancel,
        }
        moves[step](campaign.pk)
        campaign.refresh_from_db()
        said = "its launch is enqueued" if step == "launch" else campaign.state
        self.stdout.write(f"{campaign}: {said}")
        if step == "launch":
            for warning in warnings_of(campaign):
                self.stderr.write(f"Warning: {warning}")

    def _status(self, campaign: Campaign) -> None:
        figures = figures_of([campaign.pk])[campaign.pk]
        self.stdout.write(
            f"{campaign}: {campaign.state} {campaign.state_reason}".strip()
        )
        for title, counts in figures.items():
            for name, count in sorted(counts.items()):
                self.stdout.write(f"{title:<8}{name:<20}{count:>8}")

    def _why(self, campaign: Campaign, address: str) -> None:
        recipients = (
            Recipient.objects.filter(campaign=campaign, address__icontains=address)
            .select_related("campaign", "lead")
            .prefetch_related("emails")[:20]
        )
        for recipient in recipients:
            self.stdout.write(
                f"{recipient.lead.name} <{recipient.address}>: {why(recipient)}"
            )
        if not recipients:
            raise CommandError(
                f"No lead with {address!r} was considered by {campaign}: it was launched"
                " before the lead was known, or the lead has another address."
            )


def _find(written: str) -> Campaign:
    campaigns = Campaign.objects.all()
    if written.isdecimal():
        found = campaigns.filter(pk=int(written)).first()
    else:
        found = campaigns.filter(name=written).first()
    if found is None:
        names = ", ".join(f"{c.pk} {c.name!r}" for c in campaigns[:10]) or "none yet"
        raise CommandError(f"There is no campaign {written!r}; there are: {names}.")
    return found
