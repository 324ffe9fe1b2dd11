"""The way out of an account: what reads its settings, and takes its mails."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from django.conf import settings

from campaigns import smtp
from campaigns.dkim_signing import Signer, signer_of
from campaigns.fates import AccountTrouble, Envelope, Outcome, refusal_of_test_mode
from campaigns.models import Account
from campaigns.oauth2 import token_source
from campaigns.servers import Server, check_reachable_in_test_mode
from fliptech_site.addresses import AddressRefused, parse_target
from fliptech_site.errors import InvalidInput, PermanentError


class Transport(Protocol):
    """Takes one mail after the other."""

    def deliver(
        self, envelope: Envelope, *, before_data: Callable[[], None] | None
    ) -> Outcome:
        """Try once to deliver, and say what became of it; network errors don't raise.

        `before_data` is called once, right before what can't be taken back begins;
        whatever it raises ends the attempt and passes through. None says that all
        that it does was done before.
        """


class SmtpTransport(NamedTuple):
    """Delivers to a mail server, over connections that are kept."""

    server: Server
    #: Signs each mail, if the account has a key.
    signer: Signer | None = None

    def deliver(
        self, envelope: Envelope, *, before_data: Callable[[], None] | None
    ) -> Outcome:
        """As `Transport.deliver`."""
        if self.signer is not None:
            signed = self.signer.sign(envelope.content)
            envelope = envelope._replace(content=signed)
        return smtp.deliver(self.server, envelope, before_data=before_data)


def transport_of(account: Account, *, to_sink: bool = False) -> Transport:
    """Give the way out of an account; `to_sink` takes the local mail sink instead.

    Raises AccountTrouble for keys that can't be read.
    """
    if to_sink:
        return SmtpTransport(sink())
    try:
        if account.kind != Account.Kind.SMTP:
            # Where it is needed: who sends by SMTP needs no HTTP client.
            from campaigns.providers.delivering import ProviderTransport, provider_of

            return ProviderTransport(provider_of(account))
        signer = signer_of(account)
    except PermanentError as error:
        raise AccountTrouble(f"The account {account}: {error}") from None
    return SmtpTransport(server_of(account), signer)


def check_test_mode(account: Account) -> None:
    """Raise InvalidInput for an account whose mail would leave this machine."""
    if account.kind == Account.Kind.SMTP:
        check_reachable_in_test_mode(account.smtp_host, account.smtp_port)
    elif account.api_url:
        try:
            target = parse_target(account.api_url)
        except AddressRefused as error:
            raise InvalidInput(str(error)) from None
        check_reachable_in_test_mode(target.host, target.port)
    else:
        raise InvalidInput(refusal_of_test_mode(account.get_kind_display()))


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
