"""What a robots.txt asks of us, read as RFC 9309 and Google read it. Pure.

Where the two differ (percent-encoded letters, addresses that nobody encoded) the RFC
counts. Of what people write beside the RFC we read what Google reads: frequent typing
errors, a forgotten colon, `user-agent: FOO BAR` as FOO, `index.html` as its directory.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from leads.robots_paths import PathPattern, match_path, path_of

#: RFC 9309, section 2.5: at least this much is read; what follows is cut.
MAX_BYTES = 500 * 1024
#: Octets of a line that count, as Google has it: eight times a browser's longest URL.
_MAX_LINE = 2083 * 8 - 1
_BLANKS = " \t\r\n\v\f"
#: Keys by what they begin with, in the order in which they are tried.
_KEYS = (
    ("user-agent", ("user-agent", "useragent", "user agent")),
    ("allow", ("allow",)),
    (
        "disallow",
        ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"),
    ),
    ("crawl-delay", ("crawl-delay", "crawldelay", "crawl delay")),
    ("request-rate", ("request-rate", "request rate")),
)
#: RFC 9309, section 2.2.1: a product token has letters, "-" and "_" only.
_PRODUCT_TOKEN = re.compile(r"[a-z_-]+")
_VERSION_BEHIND = re.compile(r"^([a-z_-]*[a-z])\d[\w.]*$")
_FIRST_WORD = re.compile(r"[^\s/]+")
#: The products that a whole User-Agent header names: `Mozilla/5.0 (… FooBot/1.0)`.
_PRODUCTS = re.compile(r"([^\s/();,]+)/")
_SECONDS = re.compile(r"\d{1,9}(?:[.,]\d{1,9})?")
_RATE = re.compile(r"(\d{1,9})\s*/\s*(\d{1,9})\s*([smhd]?)", re.IGNORECASE)
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class _Line(NamedTuple):
    key: str
    value: str
    #: Blank lines stand between this line and the one before it.
    after_blank: bool


@dataclass
class _Group:
    """What is said to some agents at one place of the file."""

    rules: list[tuple[PathPattern, bool]] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class RobotsRules:
    """The rules of one robots.txt for one agent."""

    agent: str
    #: Patterns and whether they allow.
    rules: tuple[tuple[PathPattern, bool], ...]
    #: Seconds between requests that the file asks for, None if it names none.
    #:
    #: Crawl-delay and Request-rate are no part of RFC 9309; who writes them means
    #: them, so the longest one counts. A delay may be a fraction.
    delay_seconds: float | None

    def allows(self, url: str) -> bool:
        """Say whether this page may be fetched.

        The rule with the most octets counts, among equals the one that allows (RFC
        9309, section 2.2.2); robots.txt itself may always be fetched.
        """
        best = self._best(path_of(url))
        return best is None or best[1]

    def deciding_rule(self, url: str) -> str:
        """Give the line that decides about this page, empty when none speaks of it."""
        if best := self._best(path_of(url)):
            return f"{'allow' if best[1] else 'disallow'}: {best[0].written}"
        return ""

    def _best(self, path: str) -> tuple[PathPattern, bool] | None:
        if path == "/robots.txt":
            return None
        return max(
            (rule for rule in self.rules if rule[0].matches(path)),
            key=lambda rule: (rule[0].octets, rule[1]),
            default=None,
        )


def parse_robots(body: str | bytes, *, agent: str) -> RobotsRules:
    """Read a robots.txt for an agent; never raises.

    The agent is a product token (`FlipTechBot`) or a whole User-Agent header, of which
    the longest product counts that the file names.
    """
    groups = _read_groups(_lines(as_text(body)))
    said = groups.get(_name_of_group(groups, agent), [])
    rules = tuple(rule for group in said for rule in group.rules)
    delays = [delay for group in said for delay in group.delays]
    return RobotsRules(agent, rules, max(delays, default=None))


def as_text(body: str | bytes) -> str:
    """Decode a robots.txt; octets that are no UTF-8 become the `%XX` they stand for."""
    if isinstance(body, str):
        return body.removeprefix("\ufeff")
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", errors="replace")
    for mark in (b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"):
        # Editors leave byte order marks, transfers half of one.
        if body.startswith(mark):
            body = body[len(mark) :]
            break
    text = body.decode("utf-8", errors="surrogateescape")
    return re.sub(
        "[\udc80-\udcff]", lambda found: f"%{ord(found[0]) - 0xDC00:02X}", text
    )


def _name_of_group(groups: Container[str], agent: str) -> str:
    """Give the name of the group that an agent has to obey.

    Without a group of its own, foobot-images obeys foobot, as Google's crawlers do.
    """
    names = list(_names_of_agent(agent))
    while names:
        if named := [name for name in names if name in groups]:
            return max(named, key=len)
        shorter = (name.rpartition("-")[0] for name in names)
        names = [name for name in shorter if name]
    return "*"


def _names_of_agent(agent: str) -> Iterable[str]:
    agent = agent.strip().lower()
    if "/" in agent:
        return dict.fromkeys(_PRODUCTS.findall(agent))
    # "Foo Bar" is no product token and is nobody's name, as Google has it.
    if not agent or agent == "*":
        return []
    # A version that stands right behind the token is no part of it: FooBot2.
    return dict.fromkeys([agent, _VERSION_BEHIND.sub(r"\1", agent)])


def _names_of_group(value: str) -> set[str]:
    """Give the names for which a user-agent line speaks: `FooBot/2.1 (x)` -> foobot."""
    value = value.lower()
    if value.split(maxsplit=1)[:1] == ["*"]:
        return {"*"}
    # The second reading serves names outside the RFC, such as 360Spider.
    found = (_PRODUCT_TOKEN.match(value), _FIRST_WORD.match(value))
    return {match[0] for match in found if match}


def _lines(text: str) -> Iterator[_Line]:
    after_blank = False
    for raw in re.split(r"\r\n|\r|\n", text):
        if not raw.strip(_BLANKS):
            after_blank = True
            continue
        found = _key_and_value(_cut(raw).partition("#")[0].strip(_BLANKS))
        if found:
            yield _Line(*found, after_blank)
            after_blank = False


def _cut(line: str) -> str:
    if len(line) * 4 <= _MAX_LINE:
        return line
    return line.encode("utf-8", "replace")[:_MAX_LINE].decode("utf-8", "ignore")


def _key_and_value(line: str) -> tuple[str, str] | None:
    key, colon, value = line.partition(":")
    if not colon:
        words = line.split()
        if len(words) != 2:
            return None
        key, value = words
    key = key.strip(_BLANKS).lower()
    for name, beginnings in _KEYS:
        if key.startswith(beginnings):
            return name, value.strip(_BLANKS)
    return None


def _read_groups(lines: Iterable[_Line]) -> dict[str, list[_Group]]:
    """Collect what is said to each name; groups of the same name are one.

    A group stands once for all its names, or thousands of names and rules would be
    millions.
    """
    groups: dict[str, list[_Group]] = {}
    current = _Group()
    is_closed, has_delay = True, False
    for key, value, after_blank in lines:
        if key == "user-agent":
            # Only rules close a group (2.1). A delay does so when a blank line
            # follows: who writes `User-agent: *`, a delay, a blank line and then a
            # group that keeps one robot out does not mean everybody.
            if is_closed or (has_delay and after_blank):
                current, is_closed, has_delay = _Group(), False, False
            for name in _names_of_group(value):
                said = groups.setdefault(name, [])
                if not said or said[-1] is not current:
                    said.append(current)
        elif key in ("allow", "disallow"):
            is_closed = True
            current.rules += _rules(value, is_allowed=key == "allow")
        elif (delay := _delay(key, value)) is not None:
            has_delay = True
            current.delays.append(delay)
    return groups


def _rules(value: str, *, is_allowed: bool) -> Iterator[tuple[PathPattern, bool]]:
    if not value:
        return
    yield match_path(value), is_allowed
    directory, slash, name = value.rpartition("/")
    if is_allowed and slash and name.startswith("index.htm"):
        yield match_path(f"{directory}/$"), True


def _delay(key: str, value: str) -> float | None:
    if key == "crawl-delay":
        seconds = _SECONDS.match(value)
        return float(seconds[0].replace(",", ".")) if seconds else None
    rate = _RATE.match(value)
    if not rate or not int(rate[1]):
        return None
    return int(rate[2]) * _UNIT_SECONDS[rate[3].lower()] / int(rate[1])
