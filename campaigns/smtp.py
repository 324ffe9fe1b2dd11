"""One delivery over SMTP (RFC 5321) that knows in which phase it failed.

Everything before DATA can be tried again without harm. From DATA on only a clear
answer of the server says what became of the mail; without one it is in doubt.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NoReturn

from campaigns.fates import Ended, Envelope, Fate, Outcome, refusal_of_test_mode
from campaigns.xoauth2 import TokenSource, log_in
from fliptech_site.addresses import LOCALHOST_ADDRESSES, is_localhost
from fliptech_site.connecting import Watchdog
from fliptech_site.errors import InvalidInput, PermanentError, TransientError


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; together below the actor's limit of two minutes."""

    connect: float = 10.0
    command: float = 30.0
    #: For the content and the answer to the final dot.
    content: float = 60.0
    total: float = 100.0


TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class Server:
    """Where and how to deliver; `security` is none, starttls or tls."""

    host: str
    port: int
    security: str = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    #: Instead of a password: where access tokens come from.
    token: TokenSource | None = field(default=None, repr=False)
    #: Refuse a host that isn't this machine (TEST_MODE).
    loopback_only: bool = True
    timeouts: Timeouts = field(default_factory=lambda: TIMEOUTS)
    tls: ssl.SSLContext | None = None

    @property
    def place(self) -> str:
        """The server as people write it: host:port."""
        return f"{self.host}:{self.port}"


def deliver(
    server: Server, envelope: Envelope, *, before_data: Callable[[], None]
) -> Outcome:
    """Try once to deliver, and say what became of it; network errors don't raise.

    `before_data` is called right before DATA is sent, to commit that from now on the
    fate may be unknown; whatever it raises ends the attempt and passes through.
    """
    try:
        addresses = resolve(server)
        with Watchdog(server.timeouts.total) as watchdog:
            client = _Client(server, addresses, watchdog)
            try:
                return _converse(client, server, envelope, before_data)
            finally:
                client.close()
    except Ended as ended:
        return ended.outcome


def probe(server: Server) -> Outcome:
    """Connect, log in and leave again: what a mail would meet before it is begun."""
    try:
        addresses = resolve(server)
        with Watchdog(server.timeouts.total) as watchdog:
            client = _Client(server, addresses, watchdog)
            try:
                _open(client, server)
                _leave(client)
            finally:
                client.close()
    except Ended as ended:
        return ended.outcome
    who = f" and knows {server.username}" if server.username else ""
    return Outcome(Fate.ACCEPTED, f"{server.place} answers{who}.")


def check_reachable_in_test_mode(host: str, port: int) -> None:
    """Raise InvalidInput for a server that TEST_MODE lets no mail go to."""
    try:
        resolve(Server(host, port, loopback_only=True))
    except Ended as ended:
        if ended.outcome.fate is Fate.ACCOUNT_TROUBLE:
            raise InvalidInput(ended.outcome.detail) from None


def resolve(server: Server) -> list[str]:
    """Give the addresses to connect to; under `loopback_only` all are this machine."""
    if is_localhost(server.host.rstrip(".").lower()):
        return list(LOCALHOST_ADDRESSES)
    try:
        answers = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Ended(
            Fate.TRY_LATER,
            f"The mail server {server.place} can't be found ({error}): check the"
            " account's host name and the name server.",
        ) from None
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if server.loopback_only and not all(_is_loopback(each) for each in found):
        raise Ended(Fate.ACCOUNT_TROUBLE, refusal_of_test_mode(server.place))
    return found


def _is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


class _Client(smtplib.SMTP):
    """smtplib's commands on a socket to the very addresses that were checked."""

    def __init__(
        self, server: Server, addresses: list[str], watchdog: Watchdog
    ) -> None:
        # The local name goes into EHLO; the machine's own name is nobody's business.
        super().__init__(local_hostname="[127.0.0.1]")
        self._server = server
        self._addresses = addresses
        self._watchdog = watchdog
        # For smtplib's starttls, which checks the certificate against it.
        self._host = server.host

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        failure: OSError | None = None
        for address in self._addresses:
            try:
                connected = socket.create_connection((address, port), timeout)
            except OSError as error:
                failure = error
                continue
            self._watchdog.watch(connected)
            if self._server.security != "tls":
                return connected
            return self.tls.wrap_socket(connected, server_hostname=host)
        assert failure is not None
        raise failure

    @property
    def tls(self) -> ssl.SSLContext:
        return self._server.tls or ssl.create_default_context()

    def expect_within(self, seconds: float) -> None:
        if self.sock is not None:
            self.sock.settimeout(seconds)

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read along."""
        assert self.sock is not None
        return isinstance(self.sock, ssl.SSLSocket) or _is_loopback(
            self.sock.getpeername()[0]
        )


def _converse(
    client: _Client,
    server: Server,
    envelope: Envelope,
    before_data: Callable[[], None],
) -> Outcome:
    _open(client, server, envelope)
    before_data()
    try:
        outcome = _transmit(client, server, envelope.content)
    except (smtplib.SMTPException, OSError, EOFError, ValueError) as error:
        return Outcome(
            Fate.IN_DOUBT,
            f"{server.place} gave no clear answer after the mail was begun"
            f" ({_said(error)}): it may or may not have arrived. It is not sent again"
            " by itself; settle it when you know.",
        )
    _leave(client)
    return outcome


def _open(client: _Client, server: Server, envelope: Envelope | None = None) -> None:
    try:
        _greet(client, server)
        _log_in(client, server)
        if envelope is not None:
            _address(client, server, envelope)
    except ssl.SSLCertVerificationError as error:
        _trouble(f"The certificate of {server.place} is not valid for it", error)
    except (smtplib.SMTPException, OSError, EOFError, ValueError) as error:
        _later(server, error)


def _leave(client: _Client) -> None:
    with suppress(smtplib.SMTPException, OSError):  # All is settled already.
        client.expect_within(2.0)
        client.quit()


def _greet(client: _Client, server: Server) -> None:
    client.timeout = server.timeouts.connect
    code, reply = client.connect(server.host, server.port)
    if code != 220:
        _later(server, smtplib.SMTPConnectError(code, reply))
    client.expect_within(server.timeouts.command)
    client.ehlo_or_helo_if_needed()
    if server.security == "starttls":
        if not client.has_extn("starttls"):
            _trouble(f"{server.place} offers no STARTTLS: choose TLS or another port")
        client.starttls(context=client.tls)
        client.ehlo()


def _log_in(client: _Client, server: Server) -> None:
    if not server.username:
        return
    if not client.is_private:
        _trouble(
            f"No log-in is sent to {server.place} in clear: choose STARTTLS or TLS"
        )
    try:
        if server.token is None:
            client.login(server.username, server.password)
        else:
            log_in(client, server.username, server.token)
    except TransientError as error:
        raise Ended(Fate.TRY_LATER, str(error)) from None
    except PermanentError as error:
        raise Ended(Fate.ACCOUNT_TROUBLE, str(error)) from None
    except smtplib.SMTPAuthenticationError as error:
        if 400 <= error.smtp_code < 500:
            _later(server, error)
        _trouble(
            f"{server.place} refused the log-in of {server.username}: correct the"
            f" account's user name and {'grant' if server.token else 'password'}",
            error,
        )
    except smtplib.SMTPNotSupportedError as error:
        _trouble(f"{server.place} offers no log-in that can be used", error)


def _address(client: _Client, server: Server, envelope: Envelope) -> None:
    code, reply = client.mail(envelope.sender)
    if code >= 500:
        _trouble(
            f"{server.place} refused the sender {envelope.sender}"
            f" ({_reply(code, reply)}): correct the account's from address"
        )
    if code != 250:
        _later(server, smtplib.SMTPResponseException(code, reply))
    code, reply = client.rcpt(envelope.recipient)
    if code >= 500:
        raise Ended(
            Fate.REFUSED,
            f"{server.place} refused the recipient: {_reply(code, reply)}.",
        )
    if code not in (250, 251, 252):
        _later(server, smtplib.SMTPResponseException(code, reply))


def _transmit(client: _Client, server: Server, content: bytes) -> Outcome:
    code, reply = client.docmd("DATA")
    if code == 354:
        client.expect_within(server.timeouts.content)
        # Dot-stuffing, RFC 5321 section 4.5.2.
        stuffed = re.sub(rb"(?m)^\.", b"..", content)
        client.send(stuffed.removesuffix(b"\r\n") + b"\r\n.\r\n")
        code, reply = client.getreply()
        if 200 <= code < 300:
            return Outcome(Fate.ACCEPTED, _reply(code, reply))
    said = f"{server.place} refused the mail: {_reply(code, reply)}."
    if 400 <= code < 500:
        return Outcome(Fate.TRY_LATER, said)
    if 500 <= code < 600:
        return Outcome(Fate.REFUSED, said)
    raise smtplib.SMTPResponseException(code, reply)


def _later(server: Server, error: Exception) -> NoReturn:
    if isinstance(error, ConnectionRefusedError):
        detail = f"Nothing listens at {server.place}: start the mail server, or correct the account."
    elif isinstance(error, TimeoutError):
        detail = f"{server.place} did not answer in time; it is tried again."
    elif isinstance(error, smtplib.SMTPResponseException):
        detail = f"{server.place} says not now: {_said(error)}."
    else:
        detail = f"The connection to {server.place} broke ({_said(error)}); it is tried again."
    raise Ended(Fate.TRY_LATER, detail) from None


def _trouble(sentence: str, error: Exception | None = None) -> NoReturn:
    said = f" ({_said(error)})" if error else ""
    raise Ended(Fate.ACCOUNT_TROUBLE, f"{sentence}{said}.") from None


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    return " ".join(str(error).split())[:200] or type(error).__name__


def _reply(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    # Outside text: one line, nothing that could steer a terminal.
    printable = "".join(char if char.isprintable() else " " for char in text)
    return f"{code} {' '.join(printable.split())}"[:300]
