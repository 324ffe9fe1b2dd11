"""Read a business's name and website from the words of its posting. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from leads.matching import is_shared_platform

_WEB_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'()\[\]]+[^\s<>\"'()\[\].,;:!?]", re.IGNORECASE
)
#: Words that businesses put into their names; without one, capitals prove nothing.
_TRADE_WORDS = re.compile(
    r"\b(plumbing|plumbers|bakery|baking|catering|kitchen|cafe|landscap\w+|gardens?|"
    r"tree|lawn|auto|automotive|garage|repairs?|upholstery|nails?|spa|salon|barbers?|"
    r"beauty|moving|movers|hauling|dental|dentistry|clinic|therapy|massage|yoga|"
    r"fitness|roofing|roofers|painting|painters|electric|electrical|electricians|"
    r"heating|cooling|air|hvac|construction|builders?|remodeling|carpentry|flooring|"
    r"tile|masonry|concrete|fencing|cleaning|cleaners|janitorial|laundry|tailors?|"
    r"photography|photo|studios?|design|print\w*|music|piano|lessons|academy|school|"
    r"tutoring|pets?|dog|grooming|kennels?|veterinary|legal|law|tax|bookkeeping|"
    r"accounting|insurance|realty|properties|travel|tours|charters?|marine|boat\w*|"
    r"cycles?|bikes?|bicycles?|computers?|tech|web|services?|solutions|company|"
    r"brothers|bros|sons|sisters|family|associates|group|works?|shop|store|co|llc|inc)\b",
    re.IGNORECASE,
)


def leading_name(text: str) -> str:
    """Give the business's name when a posting opens with one, else nothing.

    "Harbor Light Plumbing has looked after…" opens with a run of two or more
    capitalised words, one of them a trade; "Call Now For Quotes" has none.
    """
    words: list[str] = []
    for word in text.split()[:8]:
        bare = word.rstrip(".,:;!")
        is_joint = bare in {"&", "and", "of", "y"} and bool(words)
        if not (
            is_joint or (bare[:1].isupper() and not bare.isupper()) or bare.isdigit()
        ):
            break
        words.append(bare)
        if bare != word:
            break
    while words and not words[-1][:1].isupper():
        words.pop()
    name = " ".join(words)
    return name if len(words) >= 2 and _TRADE_WORDS.search(name) else ""


def find_website(links: Iterable[str], text: str) -> str:
    """Give the address of the business's own site from a posting's text.

    A page on a platform counts only when there is no site of its own; Craigslist's
    own addresses never count.
    """
    written = [*links, *_WEB_ADDRESS.findall(text)]
    found = []
    for address in written:
        full = address if "://" in address else f"http://{address}"
        try:
            split = urlsplit(full.strip())
            host = split.hostname or ""
        except ValueError:
            continue
        if split.scheme in ("http", "https") and "." in host and not _is_own(host):
            found.append(full.strip()[:500])
    return next(
        (url for url in found if not is_shared_platform(url)), (found or [""])[0]
    )


def _is_own(host: str) -> bool:
    return "craigslist." in f"{host}."
