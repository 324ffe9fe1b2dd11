"""`manage.py webhook list|add|renew|enable|disable|secret|test|deliveries|resend`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fliptech_site.addresses import parse_target
from fliptech_site.errors import InvalidInput
from tasks.declaring import find_actor
from tasks.models import Webhook, WebhookDelivery
from tasks.states import FINISHED
from tasks.webhooks import subscribing
from tasks.webhooks.addresses import check_url
from tasks.webhooks.keeping import derived_secrets


def _uuid(text: str) -> UUID:
    try:
        return UUID(text.removeprefix("evt_"))
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a delivery's id; `manage.py webhook deliveries` shows them."
        ) from None


class Command(BaseCommand):
    help = "Tell addresses of the ends of tasks; show and repeat deliveries."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="the webhooks and what came of their deliveries")
        add = verbs.add_parser("add", help="add one; its secret is shown once")
        add.add_argument("name")
        add.add_argument("url")
        states = [state.value for state in FINISHED]
        for wish, choices in (
            ("actor", None),
            ("queue", list(settings.QUEUES)),
            ("state", states),
        ):
            add.add_argument(
                f"--{wish}",
                action="append",
                default=[],
                choices=choices,
                help="only these; may be given several times",
            )
        for verb, told in (
            ("renew", "make a new secret; the earlier one signs for a day more"),
            ("enable", "switch it on again"),
            ("disable", "switch it off"),
            ("test", "send an event of the type webhook.test"),
        ):
            verbs.add_parser(verb, help=told).add_argument("name")
        secret = verbs.add_parser(
            "secret", help="the secret for addresses that tasks name themselves"
        )
        secret.add_argument("url")
        deliveries = verbs.add_parser("deliveries", help="the newest deliveries")
        deliveries.add_argument("--state", choices=WebhookDelivery.State.values)
        deliveries.add_argument("--webhook", metavar="NAME")
        deliveries.add_argument("--limit", type=int, default=20)
        resend = verbs.add_parser(
            "resend", help="try deliveries now, under the same id"
        )
        resend.add_argument("ids", nargs="+", type=_uuid)

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        actions: dict[str, Callable[..., None]] = {
            "list": self._list,
            "add": self._add,
            "renew": self._renew,
            "enable": lambda name, **_: self._switch(name, True),
            "disable": lambda name, **_: self._switch(name, False),
            "test": self._test,
            "secret": self._secret,
            "deliveries": self._deliveries,
            "resend": self._resend,
        }
        try:
            actions[verb](**options)
        except InvalidInput as error:
            raise CommandError(str(error)) from None

    def _list(self, **_: Any) -> None:
        webhooks: Any = subscribing.with_news(Webhook.objects.all())
        for webhook in webhooks:
            wants = [*webhook.actors, *webhook.queues, *webhook.states]
            self.stdout.write(
                f"{webhook.name:<20}  {'on' if webhook.is_enabled else 'off':<3}"
                f"  {parse_target(webhook.url).host_port:<30}"
                f"  {', '.join(wants) or 'every end'};"
                f" {webhook.waiting_count} waiting, newest {webhook.newest_state or 'none'}"
                f"  {webhook.problem}".rstrip()
            )

    def _add(
        self,
        name: str,
        url: str,
        actor: list[str],
        queue: list[str],
        state: list[str],
        **_: Any,
    ) -> None:
        for one in actor:
            find_actor(one)
        webhook = Webhook(name=name, url=url, actors=actor, queues=queue, states=state)
        self._show_secret(subscribing.add(webhook))

    def _renew(self, name: str, **_: Any) -> None:
        self._show_secret(subscribing.renew_secret(_find(name)))
        self.stdout.write("The earlier one signs as well for one more day.")

    def _show_secret(self, secret: str) -> None:
        self.stdout.write(secret)
        self.stdout.write("This secret is not shown again: give it to the receiver.")

    def _switch(self, name: str, is_enabled: bool) -> None:
        subscribing.switch(_find(name), is_enabled)
        self.stdout.write(f"{name} is {'on' if is_enabled else 'off'}.")

    def _test(self, name: str, **_: Any) -> None:
        delivery_id = subscribing.send_test(_find(name))
        self.stdout.write(f"{delivery_id} is on its way.")

    def _secret(self, url: str, **_: Any) -> None:
        check_url(url)
        for secret in derived_secrets(url):
            self.stdout.write(secret)

    def _deliveries(
        self, state: str | None, webhook: str | None, limit: int, **_: Any
    ) -> None:
        rows = WebhookDelivery.objects.select_related("webhook")
        if state:
            rows = rows.filter(state=state)
        if webhook:
            rows = rows.filter(webhook=_find(webhook))
        for one in rows.order_by("-created_at")[: max(limit, 0)]:
            self.stdout.write(
                f"{one.id}  {one.state:<9}  {one.event:<15}  {one.tries:>3} tries"
                f"  {one.status or '–':>3}  {one.webhook or parse_target(one.url).host_port}"
                f"  {one.error[:80]}".rstrip()
            )

    def _resend(self, ids: list[UUID], **_: Any) -> None:
        for delivery_id in ids:
            subscribing.send_again(delivery_id)
            self.stdout.write(f"{delivery_id} is sent again.")


def _find(name: str) -> Webhook:
    webhook = Webhook.objects.filter(name=name).first()
    if webhook is None:
        raise InvalidInput(
            f"There is no webhook {name!r}; `manage.py webhook list` shows them."
        )
    return webhook
