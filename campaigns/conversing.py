"""What is said to a mail server over one connection (RFC 5321), phase by phase.

Everything here that fails raises `Ended` with what is known of the mail. Up to DATA that
is never more than "not now" or "not so": only `transmit` can leave a mail in doubt.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from typing import NoReturn

from urllib3.util.wait import wait_for_read

from campaigns.fates import Ended, Envelope, Fate, Outcome
from campaigns.mime_writing import is_plain_address
from campaigns.servers import Server, is_loopback
from campaigns.xoauth2 import log_in
from fliptech_site.connecting import Watchdog
from fliptech_site.errors import PermanentError, TransientError

#: What a connection or a server's nonsense raises.
BROKEN = (smtplib.SMTPException, OSError, EOFError, ValueError)


class Gone(Exception):
    """Raised when a kept connection turns out to be closed, before anything was sent."""


class Client(smtplib.SMTP):
    """smtplib's commands on a socket to the very addresses that were checked."""

    def __init__(
        self, server: Server, addresses: list[str], watchdog: Watchdog
    ) -> None:
        # The local name goes into EHLO; the machine's own name is nobody's business.
        super().__init__(local_hostname="[127.0.0.1]")
        self.server = server
        #: Mails that were begun on this connection.
        self.mails = 0
        #: Whether the last one was taken: the server has forgotten its addresses then.
        self.is_clean = True
        #: What the server said to a DATA that went with the addresses.
        self.data_reply: tuple[int, bytes] | None = None
        self.opened_at = time.monotonic()
        self._addresses = addresses
        self._watchdog = watchdog
        #: The connection without TLS: a TLS socket can't be duplicated.
        self._plain: socket.socket | None = None
        self._last_code = 0
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
            # Each answer is waited for, so there is nothing to gather.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._plain = connected.dup()
            self.obey(self._watchdog)
            if self.server.security != "tls":
                return connected
            return self.tls.wrap_socket(connected, server_hostname=host)
        assert failure is not None
        raise failure

    @property
    def tls(self) -> ssl.SSLContext:
        """How the server's certificate is checked."""
        return self.server.tls or ssl.create_default_context()

    def obey(self, watchdog: Watchdog) -> None:
        """Let this watchdog end the connection when its time is over."""
        if self._plain is not None:
            watchdog.watch(self._plain)

    def expect_within(self, seconds: float) -> None:
        """Wait so long for each answer from now on."""
        if self.sock is not None:
            self.sock.settimeout(seconds)

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer, and remember whether it ends the connection."""
        code, reply = super().getreply()
        self._last_code = code
        return code, reply

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._plain is not None:
            self._plain.close()
            self._plain = None
        super().close()

    @property
    def is_sound(self) -> bool:
        """Whether another mail may be begun on it, as far as is known."""
        return self.sock is not None and self._last_code not in (421, -1)

    @property
    def has_news(self) -> bool:
        """Whether the server said or did something that it was not asked for."""
        return self.sock is None or bool(wait_for_read(self.sock, 0))

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read along."""
        assert self.sock is not None
        return isinstance(self.sock, ssl.SSLSocket) or is_loopback(
            self.sock.getpeername()[0]
        )


def open_for(client: Client) -> None:
    """Connect, greet and log in. Raises Ended."""
    try:
        _greet(client)
        _log_in(client)
    except ssl.SSLCertVerificationError as error:
        place = client.server.place
        _trouble(f"The certificate of {place} is not valid for it", error)
    except BROKEN as error:
        _later(client.server, error)


def address(client: Client, envelope: Envelope, *, with_data: bool = False) -> None:
    """Name sender and recipient. Raises Ended, and Gone on a connection used before.

    All in one go where the server offers PIPELINING (RFC 2920), `with_data` also DATA:
    without its content nothing can arrive.
    """
    commands = [
        f"MAIL FROM:{_path(envelope.sender)}",
        f"RCPT TO:{_path(envelope.recipient)}",
    ]
    is_used = client.mails > 0
    before = [] if client.is_clean else ["RSET"]
    with_data = with_data and client.has_extn("pipelining")
    client.mails += 1
    client.is_clean = False
    try:
        _refuse_unspeakable(envelope.recipient, commands)
        client.expect_within(client.server.timeouts.command)
        replies = _replies(client, [*before, *commands, *["DATA"] * with_data])
    except BROKEN as error:
        if is_used:
            raise Gone from None
        _later(client.server, error)
    if is_used and any(code == 421 for code, _ in replies):
        raise Gone
    client.data_reply = replies.pop() if with_data else None
    try:
        _judge(client.server, envelope, replies[len(before) :])
    except Ended:
        if client.data_reply is not None and client.data_reply[0] == 354:
            client.close()  # It waits for the content of a mail to nobody.
        raise


def transmit(client: Client, content: bytes) -> Outcome:
    """Send the mail itself; whatever breaks now leaves it in doubt."""
    try:
        return _transmit(client, content)
    except BROKEN as error:
        client.close()
        return Outcome(
            Fate.IN_DOUBT,
            f"{client.server.place} gave no clear answer after the mail was begun"
            f" ({_said(error)}): it may or may not have arrived. It is not sent again"
            " by itself; settle it when you know.",
        )


def leave(client: Client) -> None:
    """Say goodbye, if that is quick, and close."""
    if client.is_sound:
        with suppress(*BROKEN):  # All is settled already.
            client.expect_within(2.0)
            client.quit()
    client.close()


def _greet(client: Client) -> None:
    server = client.server
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


def _log_in(client: Client) -> None:
    server = client.server
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


def _path(address: str) -> str:
    # smtplib parses each address as a whole header, which takes longer than sending it.
    return f"<{address}>" if is_plain_address(address) else smtplib.quoteaddr(address)


def _refuse_unspeakable(recipient: str, commands: list[str]) -> None:
    """Refuse what can't be said in SMTP's own alphabet, or would be two commands."""
    if not recipient.isascii():
        raise Ended(
            Fate.REFUSED,
            f"The address {recipient} has letters that most mail servers don't take"
            " (SMTPUTF8): write to another address.",
        )
    if any(char in command for command in commands for char in "\r\n"):
        raise ValueError("an address holds a line break")


def _replies(client: Client, commands: list[str]) -> list[tuple[int, bytes]]:
    if not client.has_extn("pipelining"):
        replies = []
        for command in commands:
            replies.append(client.docmd(command))
            if replies[-1][0] not in _GOOD:
                break
        return replies
    client.send("".join(f"{command}\r\n" for command in commands))
    return [client.getreply() for _ in commands]


_GOOD = (250, 251, 252)


def _judge(
    server: Server, envelope: Envelope, replies: list[tuple[int, bytes]]
) -> None:
    """Raise Ended unless sender and recipient were taken."""
    if not replies:  # RSET itself was refused.
        _later(server, smtplib.SMTPServerDisconnected("it refused RSET"))
    code, reply = replies[0]
    if code >= 500:
        _trouble(
            f"{server.place} refused the sender {envelope.sender}"
            f" ({_reply(code, reply)}): correct the account's from address"
        )
    if code != 250:
        _later(server, smtplib.SMTPResponseException(code, reply))
    code, reply = replies[1]
    if code >= 500:
        raise Ended(
            Fate.REFUSED,
            f"{server.place} refused the recipient: {_reply(code, reply)}.",
        )
    if code not in _GOOD:
        _later(server, smtplib.SMTPResponseException(code, reply))


def _transmit(client: Client, content: bytes) -> Outcome:
    server = client.server
    code, reply = client.data_reply or client.docmd("DATA")
    if code == 354:
        client.expect_within(server.timeouts.content)
        # Dot-stuffing, RFC 5321 section 4.5.2.
        if b"\n." in content or content.startswith(b"."):
            content = re.sub(rb"(?m)^\.", b"..", content)
        client.send(content.removesuffix(b"\r\n") + b"\r\n.\r\n")
        code, reply = client.getreply()
        if 200 <= code < 300:
            client.is_clean = True
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
