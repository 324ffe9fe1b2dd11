"""Connections that go only to addresses which were checked.

The name is resolved, every address is checked, and the socket is opened to the very
address that passed: a name server that answers differently the second time (DNS
rebinding) gains nothing. Host header, SNI and certificate check keep the name.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

import requests.adapters
import urllib3
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection

from fliptech_site.addresses import (
    LOCALHOST_ADDRESSES,
    AddressRefused,
    is_allowed_private,
    is_localhost,
    is_public,
)
from fliptech_site.deadlines import deadlines

#: Seconds to wait for one address before the next one of the same name is tried.
_CONNECT_SECONDS = 5.0


class Watchdog:
    """Ends a request when its time is over, in whatever phase it hangs.

    A socket's own timeout restarts with every byte, so a server that sends one byte
    a second would hold a worker for hours.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_over = False
        self._ends_at = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        deadlines.set(self, self.seconds, self._end)
        self._token = _watchdog.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        deadlines.call_off(self)
        _watchdog.reset(self._token)
        with self._lock:
            for copy in self._sockets:
                copy.close()
            self._sockets.clear()

    @property
    def remaining(self) -> float:
        """Seconds left, never less than a millisecond."""
        return max(self._ends_at - time.monotonic(), 0.001)

    def watch(self, connected: socket.socket) -> None:
        """End this socket too when the time is over.

        A duplicate is kept because TLS detaches the original; shutting down either
        one ends the connection itself.
        """
        with self._lock:
            self._sockets.append(connected.dup())

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            for copy in self._sockets:
                try:
                    copy.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # The other side was faster.


_watchdog: ContextVar[Watchdog] = ContextVar("outbound_watchdog")


def resolve(host: str, port: int) -> list[str]:
    """Give the addresses of a host that may be connected to.

    Raises AddressRefused when it has only private ones, and socket.gaierror.
    """
    if is_localhost(host):
        found = list(LOCALHOST_ADDRESSES)
    else:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if is_allowed_private(host, port, settings.FETCH_ALLOWED_PRIVATE):
        return found
    public = [address for address in found if is_public(address)]
    if not public:
        raise AddressRefused(
            f"{host}:{port} leads into a private network and is not asked: if that is"
            " meant, add it to FETCH_ALLOWED_PRIVATE."
        )
    return public


def open_socket(addresses: Iterable[str], port: int) -> socket.socket:
    """Connect to the first of these addresses that answers, under the watchdog.

    Raises OSError when none does; `addresses` are those that were checked.
    """
    watchdog = _watchdog.get()
    failure: OSError | None = None
    for address in addresses:
        seconds = min(_CONNECT_SECONDS, watchdog.remaining)
        try:
            connected = socket.create_connection((address, port), seconds)
        except OSError as error:
            failure = error
            continue
        connected.settimeout(watchdog.remaining)
        watchdog.watch(connected)
        return connected
    assert failure is not None
    raise failure


class _CheckedHTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return open_socket(resolve(self.host, self.port), self.port)


class _CheckedHTTPSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return open_socket(resolve(self.host, self.port), self.port)


class _CheckedHTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _CheckedHTTPConnection


class _CheckedHTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _CheckedHTTPSConnection


class CheckedAdapter(requests.adapters.HTTPAdapter):
    """The requests adapter whose connections go only to checked addresses."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Exchange the connection classes of the pool."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _CheckedHTTPPool,
            "https": _CheckedHTTPSPool,
        }
