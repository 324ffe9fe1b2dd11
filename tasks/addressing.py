"""Read RABBITMQ_URL: one or several hosts, with TLS, never without a heartbeat.

Also says in words why a connection can't be had, for whoever opens one. Needs no settings:
the start scripts ask as well.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pika
import pika.exceptions
from django.core.exceptions import ImproperlyConfigured

#: Seconds to wait for a connection; a publisher that hangs helps nobody.
CONNECT_SECONDS = 3
#: Seconds between two looks whether a preferred host has come back, and the longest that
#: one look takes.
RETURN_SECONDS = 5.0
KNOCK_SECONDS = 0.3
#: Options of an `amqps://` address, named as in RabbitMQ's own addresses.
TLS_OPTIONS = ("cacertfile", "certfile", "keyfile", "server_name_indication")


class BadAddress(ImproperlyConfigured):
    """Raised for an address that no connection can be made from; says what to write."""


def connection_parameters(url: str) -> list[pika.URLParameters]:
    """Return pika's parameters for each host of `url`, separated by semicolons.

    Raises BadAddress.
    """
    return [_parameters(part.strip()) for part in url.split(";")]


def _parameters(url: str) -> pika.URLParameters:
    split = urlsplit(url)
    options = dict(parse_qsl(split.query, keep_blank_values=True))
    if split.username and split.password is None:
        raise BadAddress(
            "RABBITMQ_URL has a user without a password: write user:password@."
        )
    tls = {name: options.pop(name) for name in TLS_OPTIONS if name in options}
    if "verify" in options or "ssl_options" in options:
        raise BadAddress(
            "RABBITMQ_URL switches checks of the certificate off or sets them itself:"
            " leave verify and ssl_options out, and name your certificate authority"
            " with cacertfile=/path/ca.pem."
        )
    if tls and split.scheme != "amqps":
        raise BadAddress(
            f"RABBITMQ_URL has {', '.join(tls)} but no TLS: write amqps:// before it."
        )
    try:
        one = pika.URLParameters(urlunsplit(split._replace(query=urlencode(options))))
    except (ValueError, TypeError) as error:
        raise BadAddress(f"RABBITMQ_URL can't be read: {error}.") from error
    if split.scheme == "amqps":
        name = tls.pop("server_name_indication", None) or one.host
        one.ssl_options = pika.SSLOptions(_context(**tls), name)
    one.socket_timeout = CONNECT_SECONDS
    one.stack_timeout = CONNECT_SECONDS * 2
    one.blocked_connection_timeout = 30
    if one.heartbeat is None:
        one.heartbeat = 60
    return one


def _context(
    cacertfile: str = "", certfile: str = "", keyfile: str = ""
) -> ssl.SSLContext:
    """Return a context that checks the server's certificate and its name."""
    for name, path in (
        ("cacertfile", cacertfile),
        ("certfile", certfile),
        ("keyfile", keyfile),
    ):
        if path and not Path(path).is_file():
            raise BadAddress(
                f"RABBITMQ_URL names {name}={path}, which is no file: correct the path."
            )
    try:
        context = ssl.create_default_context(cafile=cacertfile or None)
        if certfile:
            context.load_cert_chain(certfile, keyfile or None, password=_no_password)
    except OSError as error:
        raise BadAddress(
            "RABBITMQ_URL names a file that holds no certificate or key in PEM form, or"
            f" a key that does not belong to its certificate ({error})."
        ) from error
    return context


def _no_password() -> str:
    # Without this OpenSSL would ask on the terminal.
    raise OSError("the key has a password, which is not supported")


class Preference:
    """The first of several hosts that answers is where everybody meets.

    Separate nodes share no queue: publishers and consumers that had to leave one for the
    next go back as soon as it answers again, or they would miss each other. One for each
    connection.
    """

    def __init__(self, hosts: Sequence[pika.URLParameters] = ()) -> None:
        self._hosts = list(hosts)
        self._look_at = time.monotonic() + RETURN_SECONDS
        #: Where its owner is connected to.
        self.present: pika.URLParameters | None = None

    def hosts(self, url: str) -> list[pika.URLParameters]:
        """Return the hosts of `url` in the order in which to try them."""
        self._hosts = connection_parameters(url)
        self._look_at = time.monotonic() + RETURN_SECONDS
        return self._hosts

    def calls_back(self) -> bool:
        """Say whether a host before the present one answers again.

        Looks every `RETURN_SECONDS`; else it costs nothing.
        """
        now = time.monotonic()
        if now < self._look_at or self.present in self._hosts[:1]:
            return False
        self._look_at = now + RETURN_SECONDS
        place = self._hosts.index(self.present) if self.present in self._hosts else 0
        return any(_accepts(host) for host in self._hosts[:place])


def _accepts(host: pika.ConnectionParameters) -> bool:
    try:
        with socket.create_connection((host.host, host.port), KNOCK_SECONDS):
            return True
    except OSError:
        return False


def reason_of(error: BaseException) -> str:
    """Say in words why there is no connection, which pika only names."""
    causes = list(_causes(error))
    for kind, say in _REASONS:
        for cause in causes:
            if isinstance(cause, kind):
                return say(cause)
    return "no connection"


#: The first that is found among an error and what caused it. What a server says of a
#: log-in or a certificate stands inside of the errors of its connection.
_REASONS: Sequence[tuple[type[BaseException], Callable[[Any], str]]] = (
    (
        ssl.SSLCertVerificationError,
        lambda error: f"its certificate is refused: {error.verify_message.rstrip('.')}",
    ),
    (ssl.SSLError, lambda error: f"TLS fails: {error.reason or error}"),
    (
        pika.exceptions.AuthenticationError,
        lambda _: "it refuses the user or the password",
    ),
    (
        pika.exceptions.ProbableAuthenticationError,
        lambda _: "it refuses the user or the password",
    ),
    (pika.exceptions.ProbableAccessDeniedError, lambda _: "it refuses the vhost"),
    (
        pika.exceptions.ConnectionClosedByBroker,
        lambda error: f"it closed the connection: {error.reply_text}",
    ),
    (
        pika.exceptions.ChannelClosedByBroker,
        lambda error: f"it closed the channel: {error.reply_text}",
    ),
    (
        pika.exceptions.IncompatibleProtocolError,
        lambda error: _no_protocol(str(error.args)),
    ),
    (socket.gaierror, lambda _: "nobody knows its name"),
    (ConnectionRefusedError, lambda _: "nothing listens there"),
    (TimeoutError, lambda _: "no answer in time"),
)


def _no_protocol(told: str) -> str:
    # With TLS 1.3 a server says only after the handshake what it misses, and its last words
    # may be lost with the connection.
    if "CERTIFICATE" in told:
        return "it wants a client's certificate: name certfile and keyfile"
    return "it hangs up: it is no RabbitMQ, or wants TLS or a client's certificate"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those inside it, as pika's connectors nest them."""
    yield error
    inner = [
        getattr(error, "exception", None),
        *getattr(error, "exceptions", ()),
        *error.args,
        error.__cause__,
    ]
    for one in inner:
        if isinstance(one, BaseException):
            yield from _causes(one)
