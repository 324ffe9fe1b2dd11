"""The client for servers of strangers: bounded in time and size, never inwards.

It refuses private addresses on every hop, follows few redirects, keeps no cookies,
uses no proxy or credentials from the environment, and names itself.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from django.conf import settings
from requests.structures import CaseInsensitiveDict

from fliptech_site.addresses import check_port, parse_target
from fliptech_site.connecting import CheckedAdapter, Watchdog
from fliptech_site.decoding import decode
from fliptech_site.errors import PermanentError, TransientError

_CHUNK_BYTES = 64 * 1024
_ACCEPT_PAGES = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"


class Unreachable(TransientError):
    """Raised when no whole answer came: no such name, refused, too slow, broken TLS."""


class TooManyRedirects(PermanentError):
    """Raised when a page only ever leads to another one."""


@dataclass(frozen=True)
class Limits:
    """What one request may cost us."""

    #: Bytes of the decoded body that are kept; the rest is not read.
    bytes: int = 2 * 1024 * 1024
    #: Seconds for all hops together, from the first look-up to the last byte.
    seconds: float = 20.0
    redirects: int = 5


@dataclass(frozen=True)
class Response:
    """An answer, whatever its status."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    #: The body was longer than the limit and is cut.
    is_truncated: bool
    #: Milliseconds until the last hop's headers were there.
    elapsed_ms: int
    #: The addresses that led here by redirect, oldest first.
    redirected_from: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        """The body as text, decoded as a browser would; never raises."""
        return decode(self.headers.get("content-type"), self.body)


class Store(Protocol):
    """Answers of earlier requests, which may stand for new ones."""

    def fresh(self, url: str) -> Response | None:
        """Give an answer that may be used without asking."""

    def validators(self, url: str) -> Mapping[str, str]:
        """Give the headers that ask whether the stored answer still holds."""

    def settle(self, url: str, answer: Response) -> Response:
        """Keep the answer, or give the stored one that it confirms."""


def agent_header() -> str:
    """Give the User-Agent header: who asks, and where to complain."""
    return f"{settings.CRAWLER_AGENT}/1.0 (+mailto:{settings.CRAWLER_CONTACT})"


def get(
    url: str,
    *,
    limits: Limits | None = None,
    headers: Mapping[str, str] | None = None,
    before_hop: Callable[[str], None] | None = None,
    store: Store | None = None,
) -> Response:
    """Fetch a page, following redirects; any HTTP status is an answer.

    `before_hop` is called with each address before it is asked and may raise to
    stop; time spent in it doesn't count. `store` is asked before each hop. Raises
    AddressRefused, TooManyRedirects and Unreachable.
    """
    limits = limits or Limits()
    seconds_left = limits.seconds
    visited: list[str] = []
    while True:
        if store and (stored := store.fresh(url)):
            return replace(stored, redirected_from=tuple(visited))
        if before_hop:
            before_hop(url)
        asked = {**(headers or {}), **(store.validators(url) if store else {})}
        started = time.monotonic()
        request = _request("GET", url, {"Accept": _ACCEPT_PAGES, **asked})
        response, location = _ask_once(request, limits, seconds_left, visited)
        seconds_left -= time.monotonic() - started
        if location is None:
            if store:
                response = store.settle(url, response)
            return replace(response, redirected_from=tuple(visited))
        visited.append(url)
        if len(visited) > limits.redirects:
            raise TooManyRedirects(
                f"{visited[0]} redirects more than {limits.redirects} times."
            )
        url = urldefrag(urljoin(response.url, location)).url


def post(
    url: str, body: bytes, *, headers: Mapping[str, str], limits: Limits
) -> Response:
    """Post `body` to one address; any HTTP status is an answer, a redirect too.

    A redirect is not followed: its target could be a private address, and its method
    another. Raises AddressRefused and Unreachable.
    """
    return _ask_once(_request("POST", url, headers, body), limits, limits.seconds, [])[
        0
    ]


def _request(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> requests.Request:
    target = parse_target(url)
    check_port(target)
    return requests.Request(
        method,
        _without_credentials(url),
        data=body,
        headers={
            "User-Agent": agent_header(),
            # urllib3 unpacks all of these piece by piece, so a bomb ends at the limit.
            "Accept-Encoding": "gzip, deflate, br, zstd",
            **headers,
        },
    )


def _ask_once(
    request: requests.Request, limits: Limits, seconds: float, visited: list[str]
) -> tuple[Response, str | None]:
    """Ask one address; the second value is where it redirects to, if it does."""
    watchdog = Watchdog(max(seconds, 0.001))
    try:
        with watchdog, requests.Session() as session:
            return _send(session, request, limits, watchdog, visited)
    except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
        # requests' own errors are OSErrors; http.client and the URL parsers of
        # requests and urllib3 let ValueError through for malformed answers.
        reason = _why(error, watchdog)
        host = parse_target(request.url).host_port
        raise Unreachable(f"{host} {reason}.") from error


def _send(
    session: requests.Session,
    request: requests.Request,
    limits: Limits,
    watchdog: Watchdog,
    visited: list[str],
) -> tuple[Response, str | None]:
    session.trust_env = False
    session.verify = settings.FETCH_CA_FILE or True
    adapter = CheckedAdapter(max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    started = time.monotonic()
    with session.send(
        session.prepare_request(request),
        stream=True,
        allow_redirects=False,
        timeout=watchdog.remaining,
    ) as answer:
        elapsed_ms = round((time.monotonic() - started) * 1000)
        location = session.get_redirect_target(answer)
        body, is_truncated = (b"", False) if location else _read(answer, limits.bytes)
        if watchdog.is_over:
            raise TimeoutError
        response = Response(
            url=answer.url or request.url,
            status=answer.status_code,
            headers=CaseInsensitiveDict(answer.headers),
            body=body,
            is_truncated=is_truncated,
            elapsed_ms=elapsed_ms,
            redirected_from=tuple(visited),
        )
        return response, location


def _without_credentials(url: str) -> str:
    """Drop `user:password@`, which a page must not make us send."""
    split = urlsplit(url.strip())
    return urlunsplit(split._replace(netloc=split.netloc.rpartition("@")[2]))


def _read(answer: requests.Response, limit: int) -> tuple[bytes, bool]:
    body = bytearray()
    for chunk in answer.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > limit:
            return bytes(body[:limit]), True
    return bytes(body), False


def _why(error: BaseException, watchdog: Watchdog) -> str:
    """Say in a few words why no answer came, for a person who reads the list."""
    causes = _causes(error)
    if watchdog.is_over or any(
        isinstance(c, TimeoutError | requests.Timeout) for c in causes
    ):
        return f"gave no whole answer within {watchdog.seconds:.0f} seconds"
    if any(isinstance(c, socket.gaierror) for c in causes):
        return "has no address: the name does not exist"
    if any(isinstance(c, requests.exceptions.SSLError) for c in causes):
        return "has no valid certificate"
    if any(isinstance(c, ConnectionRefusedError) for c in causes):
        return "refuses connections"
    return f"broke the connection or answered nonsense ({type(causes[-1]).__name__})"


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    open_ends: list[object] = [error]
    while open_ends:
        each = open_ends.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            open_ends += [each.__cause__, each.__context__, *each.args]
            open_ends.append(getattr(each, "reason", None))
    return found
