"""The way out of an account: what reads its settings, and takes its mails."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from django.conf import settings

from campaigns import smtp
from campaigns.fates import AccountTrouble, Envelope, Outcome
from campaigns.models import Account
from campaigns.oauth2 import token_source
from campaigns.servers import Server
from fliptech_site.errors import PermanentError


class Transport(Protocol):
    """Takes one mail after the other."""

    def deliver(
        self, envelope: Envelope, *, before_data: Callable[[], None]
    ) -> Outcome:
        """Try once to deliver, and say what became of it; network errors don't raise.

        `before_data` is called once, right before what can't be taken back begins;
        whatever it raises ends the attempt and passes through.
        """


class SmtpTransport(NamedTuple):
    """Delivers to a mail server, over connections that are kept."""

    server: Server

    def deliver(
        self, envelope: Envelope, *, before_data: Callable[[], None]
    ) -> Outcome:
        """As `Transport.deliver`."""
        return smtp.deliver(self.server, envelope, before_data=before_data)


def transport_of(account: Account, *, to_sink: bool = False) -> Transport:
    """Give the way out of an account; `to_sink` takes the local mail sink instead.

    Raises AccountTrouble for keys that can't be read.
    """
    return SmtpTransport(sink() if to_sink else server_of(account))


def sink() -> Server:
    """Give the local mail sink."""
    host, _, port = settings.MAIL_SINK.rpartition(":")
    return Server(host.strip("[]"), int(port), loopback_only=True)


def server_of(account: Account) -> Server:
    """Give the mail server of an account. Raises AccountTrouble for a lost password."""
    by_token = account.log_in == Account.LogIn.OAUTH2
    try:
        password = "" if by_token else account.password
    except PermanentError as error:
        raise AccountTrouble(f"The account {account}: {error}") from None
    return Server(
        host=account.smtp_host,
        port=account.smtp_port,
        security=account.security,
        username=account.username,
        password=password,
        token=token_source(account) if by_token else None,
        loopback_only=settings.TEST_MODE,
        mails_per_connection=account.mails_per_connection,
        account_id=account.pk,
    )
