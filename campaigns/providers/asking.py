"""Requests to a provider's web service, which know whether they went out.

Each goes over a connection of its own: one that was kept could be closed by the other
side just as the request leaves, and every such mail would be in doubt.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any, NamedTuple

import requests
import requests.adapters
import urllib3
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection

from campaigns.fates import Ended, Fate, refusal_of_test_mode
from fliptech_site.addresses import LOCALHOST_ADDRESSES, is_localhost
from fliptech_site.connecting import open_socket, resolve

#: Bytes of an answer that are read; providers' are short.
_LIMIT = 256 * 1024


class Answer(NamedTuple):
    """What the provider said last."""

    status: int
    text: str


class Session(requests.Session):
    """What a provider's backend asks with: checked addresses, no retries, no redirects.

    `before_request` is called once, when the first connection stands and before the
    first byte of its request; what it raises passes through.
    """

    def __init__(
        self,
        *,
        loopback_only: bool,
        seconds: float,
        before_request: Callable[[], None],
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = settings.FETCH_CA_FILE or True
        self.loopback_only = loopback_only
        self.seconds = seconds
        #: A request went out, or may have.
        self.has_begun = False
        self.answer: Answer | None = None
        self._before_request = before_request
        self._extra = headers or {}
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(max_retries=0))

    def request(self, *args: Any, **options: Any) -> requests.Response:
        """Ask once, over a new connection."""
        self.forget()
        options |= {"allow_redirects": False, "timeout": self.seconds, "stream": True}
        headers = {**(options.get("headers") or {}), **self._extra}
        options["headers"] = {**headers, "Connection": "close"}
        token = _asking.set(self)
        try:
            response = super().request(*args, **options)
            body = response.raw.read(_LIMIT, decode_content=True)
            response._content = body
            self.answer = Answer(response.status_code, body.decode("utf-8", "replace"))
        finally:
            _asking.reset(token)
        return response

    def forget(self) -> None:
        """Forget the last answer."""
        self.answer = None

    def connect(self, host: str, port: int) -> socket.socket:
        """Open a socket to an address that was checked."""
        found = addresses_here if self.loopback_only else resolve
        return open_socket(found(host, port), port)

    def begin(self) -> None:
        """Let it be known that a request goes out now."""
        if not self.has_begun:
            self._before_request()
            self.has_begun = True


def addresses_here(host: str, port: int) -> list[str]:
    """Give the addresses of a host that has none but this machine's.

    Raises Ended for another machine (TEST_MODE), and socket.gaierror.
    """
    if is_localhost(host):
        return list(LOCALHOST_ADDRESSES)
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not all(_is_loopback(each) for each in found):
        raise Ended(Fate.ACCOUNT_TROUBLE, refusal_of_test_mode(f"{host}:{port}"))
    return found


def _is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


_asking: ContextVar[Session] = ContextVar("provider_session")


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        connected = _asking.get().connect(self.host, self.port)
        if not _is_loopback(connected.getpeername()[0]):
            connected.close()
            raise Ended(
                Fate.ACCOUNT_TROUBLE,
                f"No key is sent to {self.host}:{self.port} in clear: begin the API"
                " address with https://.",
            )
        return connected

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is None:
            self.connect()
        _asking.get().begin()
        super().request(*args, **options)


class _TLSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _asking.get().connect(self.host, self.port)

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is None:
            self.connect()
        _asking.get().begin()
        super().request(*args, **options)


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
