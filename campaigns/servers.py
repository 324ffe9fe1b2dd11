"""Where mail is delivered, and whether TEST_MODE lets it go there."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address

from campaigns.fates import Ended, Fate, refusal_of_test_mode
from campaigns.xoauth2 import TokenSource
from fliptech_site.addresses import LOCALHOST_ADDRESSES, is_localhost
from fliptech_site.errors import InvalidInput


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
    """Where and how to deliver; `security` is none, starttls or tls.

    Equal servers share the connections that are kept.
    """

    host: str
    port: int
    security: str = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    #: Instead of a password: where access tokens come from.
    token: TokenSource | None = field(default=None, repr=False, compare=False)
    #: Refuse a host that isn't this machine (TEST_MODE).
    loopback_only: bool = True
    #: After so many mails a connection is made anew; 1 keeps none.
    mails_per_connection: int = 1
    #: Keeps the connections of accounts apart that have all else in common.
    account_id: int | None = None
    timeouts: Timeouts = field(default_factory=lambda: TIMEOUTS)
    tls: ssl.SSLContext | None = None

    @property
    def place(self) -> str:
        """The server as people write it: host:port."""
        return f"{self.host}:{self.port}"


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
    if server.loopback_only and not all(is_loopback(each) for each in found):
        raise Ended(Fate.ACCOUNT_TROUBLE, refusal_of_test_mode(server.place))
    return found


def is_loopback(address: str) -> bool:
    """Say whether an IP address is this machine's own."""
    return ip_address(address.partition("%")[0]).is_loopback
