"""Decide which addresses outside requests may go to. Pure: no network, no clock."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import urlsplit

import idna

from fliptech_site.errors import PermanentError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_DEFAULT_PORTS = {"http": 80, "https": 443}
#: NAT64 (RFC 6052): the last four bytes are an IPv4 address.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Loopback by definition; never asked of a name server (RFC 6761, section 6.3).
LOCALHOST_ADDRESSES = ("127.0.0.1", "::1")


class AddressRefused(PermanentError):
    """Raised for an address that outside requests must not go to."""


class Target(NamedTuple):
    """Where a web address leads: lower-case ASCII host, port always given."""

    scheme: str
    host: str
    port: int

    @property
    def host_port(self) -> str:
        """The host and port as `host:port`, the key of everything kept per host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """The scheme, host and port as `scheme://host:port`."""
        return f"{self.scheme}://{self.host_port}"


def parse_target(url: str) -> Target:
    """Read where a URL leads. Raises AddressRefused for what isn't a web address."""
    try:
        split = urlsplit(url.strip())
        host, port = split.hostname, split.port
    except ValueError:
        host, port, split = None, None, urlsplit("")
    if split.scheme not in _DEFAULT_PORTS or not host:
        raise AddressRefused(
            f"{url[:200]!r} is not a web address: it has to begin with http:// or"
            " https:// and name a host."
        )
    if port == 0:
        raise AddressRefused(f"{url[:200]!r} names port 0, which nobody can reach.")
    return Target(split.scheme, _ascii_host(host), port or _DEFAULT_PORTS[split.scheme])


def _ascii_host(host: str) -> str:
    host = host.rstrip(".").lower()
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise AddressRefused(
            f"{host!r} is not a valid host name: correct its spelling."
        ) from None


def is_localhost(host: str) -> bool:
    """Say whether a name is loopback by definition: localhost and all under it."""
    return host == "localhost" or host.endswith(".localhost")


def is_this_machine(host: str) -> bool:
    """Say whether a name or address is loopback as it stands, without asking anybody."""
    try:
        return is_localhost(host) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Say whether an IP address is one that anybody on the internet may be asked at.

    Looks into IPv4-mapped, 6to4, Teredo and NAT64 addresses, because routers and
    kernels follow the IPv4 address inside.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return all(_is_public_ip(each) for each in (ip, *_embedded(ip)))


def _is_public_ip(ip: IPAddress) -> bool:
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return _is_public_ip(ip.ipv4_mapped)
    return ip.is_global and not (
        ip.is_multicast
        or ip.is_reserved
        or ip.is_unspecified
        or ip.is_loopback
        or ip.is_link_local
    )


def _embedded(ip: IPAddress) -> Iterable[ipaddress.IPv4Address]:
    if isinstance(ip, ipaddress.IPv4Address):
        return
    if ip.sixtofour:
        yield ip.sixtofour
    if ip.teredo:
        yield from ip.teredo
    if ip in _NAT64 or int(ip) >> 32 == 0:
        yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)


def is_allowed_private(host: str, port: int, allowed: Iterable[str]) -> bool:
    """Say whether `host:port` is listed among `allowed` (patterns like `*.test:80`)."""
    wanted = f"{host}:{port}".lower()
    return any(fnmatchcase(wanted, pattern.lower()) for pattern in allowed)


def check_port(target: Target) -> None:
    """Refuse well-known ports of other services, such as mail and databases.

    A page may link to `http://host:25/`; a request sent there speaks to a mail
    server in our name. Raises AddressRefused.
    """
    if target.port < 1024 and target.port not in _DEFAULT_PORTS.values():
        raise AddressRefused(
            f"{target.host_port} is not a web server's port: only 80, 443 and ports"
            " from 1024 on are asked."
        )
