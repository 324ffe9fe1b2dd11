"""Compare addresses with the path patterns of a robots.txt (RFC 9309, 2.2.2). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATH_START = re.compile(r"[/?;]")
_ESCAPE = re.compile(r"%([0-9a-f]{2})", re.IGNORECASE)
#: RFC 3986, section 2: what stands for itself, and what separates parts.
_UNRESERVED = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)
_TO_ENCODE = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")
#: Signs that separate nothing once the query has begun.
_PLAIN_IN_QUERY = {"%3A": ":", "%2F": "/", "%3F": "?", "%40": "@"}
_ESCAPED_SPECIALS = {"%2A": "*", "%24": "$"}


@dataclass(frozen=True, slots=True)
class PathPattern:
    """One path of an allow or disallow line."""

    #: What stands between the wildcards, normalised.
    parts: tuple[str, ...]
    is_anchored: bool
    #: The pattern's length; the longest one that matches counts.
    octets: int
    #: As the file has it.
    written: str

    def matches(self, path: str) -> bool:
        """Say whether a normalised path begins with this pattern.

        Each part is looked for as early as possible, so the time is bounded by the
        product of both lengths whatever the pattern is.
        """
        first, *others = self.parts
        if not path.startswith(first):
            return False
        if not others:
            return not self.is_anchored or len(path) == len(first)
        at = len(first)
        last = others.pop() if self.is_anchored else ""
        for part in others:
            at = path.find(part, at)
            if at < 0:
                return False
            at += len(part)
        return path.endswith(last) and len(path) - len(last) >= at


def match_path(pattern: str) -> PathPattern:
    """Read a pattern: `*` stands for anything, `$` at the end for the end."""
    is_anchored = pattern.endswith("$")
    normal = normalise(pattern)
    body = normal.removesuffix("$") if is_anchored else normal
    parts = tuple(_with_literal_specials(part) for part in re.split(r"\*+", body))
    return PathPattern(parts, is_anchored, len(normal), pattern)


def path_of(url: str) -> str:
    """Give the path, parameters and query of an address, normalised.

    Never raises: what has no path has "/".
    """
    start = 2 if url.startswith("//") else 0
    scheme = url.find("://", start)
    early = _PATH_START.search(url, start)
    if scheme >= 0 and not (early and early.start() < scheme):
        start = scheme + 3
    url = url.partition("#")[0]
    found = _PATH_START.search(url, start)
    if not found:
        return "/"
    path = url[found.start() :]
    if not path.startswith("/"):
        path = f"/{path}"
    return _with_literal_specials(normalise(path))


def normalise(path: str) -> str:
    """Bring a path into the one spelling in which paths are compared.

    Unreserved characters stand for themselves, everything else that RFC 3986 does not
    allow in an address is percent-encoded as UTF-8, in capitals.
    """
    encoded = _TO_ENCODE.sub(
        lambda found: "".join(
            f"%{octet:02X}" for octet in found[0].encode("utf-8", "replace")
        ),
        path,
    )
    head, mark, query = _ESCAPE.sub(_plain_or_capital, encoded).partition("?")
    for escape, sign in _PLAIN_IN_QUERY.items():
        query = query.replace(escape, sign)
    return head + mark + query


def _plain_or_capital(found: re.Match[str]) -> str:
    sign = chr(int(found[1], 16))
    return sign if sign in _UNRESERVED else found[0].upper()


def _with_literal_specials(text: str) -> str:
    """Let `%2A` and `%24` be the signs themselves, after wildcards were found."""
    for escape, sign in _ESCAPED_SPECIALS.items():
        text = text.replace(escape, sign)
    return text
