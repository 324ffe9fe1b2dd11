"""Tell people from machines among those who ask for a mail's pixel or links. Pure.

Machines open and follow before people can: scanners on the way, mail programs that load
all pictures at once, proxies. What can't be told apart counts as a person's.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from campaigns.incoming.agents import is_bot
from campaigns.incoming.phrases import read_lines

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Nobody reads a mail and follows a link so soon after it was sent (seconds).
FIRST_OPEN = 5.0
FIRST_CLICK = 10.0
#: So many different links within so many seconds are a scanner's work.
BURST_LINKS = 2
BURST_SECONDS = 2.0
#: Who followed the hidden link follows everything; so long it counts for all that come.
TRAP_SECONDS = 120.0

#: Proxies that load a picture when a person opens the mail; only their haste betrays them.
_PICTURE_PROXIES = re.compile(
    r"googleimageproxy|ggpht\.com|yahoomailproxy|seznamemailproxy|mailproxy",
    re.IGNORECASE,
)
#: Gmail's prefetching says this twice.
_PREFETCHER = re.compile(r"Mozilla/5\.0\s*$")
_PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_PREFETCH = re.compile(r"prefetch|prerender|preview|instant", re.IGNORECASE)


class Visit(NamedTuple):
    """One request for a pixel ("open") or a link ("click") of a mail."""

    kind: str
    method: str
    headers: Mapping[str, str]
    #: The client's address, or "".
    address: str
    #: Seconds since the mail was sent; None when that is not known.
    age: float | None
    #: Other links of the mail that were followed within `BURST_SECONDS`.
    links_just_now: int = 0
    #: Whether the hidden link was followed within `TRAP_SECONDS`.
    is_trapped: bool = False


class Verdict(NamedTuple):
    """Whether a person asked, and why we think so."""

    is_human: bool
    #: A few words, shown in admin.
    reason: str


def judge(visit: Visit, scanners: Sequence[str] = ()) -> Verdict:
    """Decide who asked; `scanners` are networks of machines beside those known here."""
    reason = _why_a_machine(visit, scanners)
    return Verdict(not reason, reason or "nothing says that it was a machine")


def network_of(address: str) -> str:
    """Give the network of an address: 24 bits of IPv4, 48 of IPv6; "" for no address.

    So much tells scanners apart, and no person.
    """
    parsed = _parse(address)
    if parsed is None:
        return ""
    bits = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed.packed, bits), strict=False))


def _parse(address: str) -> _Address | None:
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _why_a_machine(visit: Visit, scanners: Sequence[str]) -> str:
    agent = visit.headers.get("User-Agent", "")
    is_proxy = visit.kind == "open" and bool(_PICTURE_PROXIES.search(agent))
    first = FIRST_OPEN if visit.kind == "open" else FIRST_CLICK
    if visit.method != "GET":
        return f"it asked with {visit.method[:10]}"
    for name in _PREFETCH_HEADERS:
        if _PREFETCH.search(visit.headers.get(name, "")):
            return f"it loads ahead ({name})"
    if visit.is_trapped:
        return "the hidden link was followed as well"
    if visit.age is not None and visit.age < first:
        return f"it came within {first:.0f} s after sending"
    if visit.links_just_now + 1 >= BURST_LINKS:
        return "it followed several links at once"
    if is_proxy:
        return ""
    if is_bot(agent):
        return "its agent is a machine's"
    if visit.kind == "open" and len(agent) > 20 and _PREFETCHER.search(agent):
        return "it loads ahead (Gmail)"
    if owner := _owner_of(visit.address):
        return f"it came from the network of {owner}"
    if _is_within(visit.address, tuple(scanners)):
        return "it came from a network of SCANNER_NETWORKS"
    return ""


def _owner_of(address: str) -> str:
    parsed = _parse(address)
    if parsed is None:
        return ""
    return next((owner for network, owner in _networks() if parsed in network), "")


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    parsed = _parse(address) if networks else None
    return parsed is not None and any(parsed in each for each in _read(networks))


@cache
def _read(
    networks: tuple[str, ...],
) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(each) for each in networks]


@cache
def _networks() -> list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]]:
    found = []
    for line in read_lines("networks"):
        network, _, owner = line.partition(" ")
        found.append((ipaddress.ip_network(network), owner.strip()))
    return found
