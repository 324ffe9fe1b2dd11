"""What a robots.txt asks of us, read as RFC 9309 says. Pure; on top of protego."""

from __future__ import annotations

import re
from dataclasses import dataclass

from protego import Protego

#: RFC 9309, section 2.5: at least this much is read; what follows is cut.
MAX_BYTES = 500 * 1024
#: A group of somebody else; protego would match any prefix of our name otherwise.
_NOT_OURS = "-"
_AGENT_LINE = re.compile(r"^\s*user-?\s?agent\s*:(?P<value>[^#]*)", re.IGNORECASE)
#: RFC 9309, section 2.2.1: a product token has letters, "-" and "_" only.
_PRODUCT_TOKEN = re.compile(r"[a-z_-]+", re.IGNORECASE)


@dataclass(frozen=True)
class RobotsRules:
    """The rules of one robots.txt for one agent."""

    agent: str
    _parsed: Protego

    def allows(self, url: str) -> bool:
        """Say whether this page may be fetched."""
        return self._parsed.can_fetch(url, self.agent)

    @property
    def delay_seconds(self) -> float | None:
        """Seconds between requests that the file asks for, None if it names none.

        Crawl-delay and Request-rate are no part of RFC 9309; who writes them means
        them, so the longer one counts. A delay may be a fraction.
        """
        delays = []
        if (delay := self._parsed.crawl_delay(self.agent)) is not None:
            delays.append(float(delay))
        if rate := self._parsed.request_rate(self.agent):
            delays.append(rate.seconds / rate.requests)
        return max(delays, default=None)


def parse_robots(body: str, *, agent: str) -> RobotsRules:
    """Read a robots.txt for the agent with this product token; never raises."""
    lines = re.split(r"\r\n|\r|\n", body.lstrip("\ufeff"))
    text = "\n".join(_plain_agent_line(line, agent) for line in lines)
    return RobotsRules(agent=agent, _parsed=Protego.parse(text))


def _plain_agent_line(line: str, agent: str) -> str:
    """Reduce a user-agent line to its first word, as `FOO BAR` means `FOO`."""
    # str.splitlines, which protego uses, breaks lines where the RFC doesn't.
    line = " ".join(line.splitlines())
    found = _AGENT_LINE.match(line)
    if not found:
        return line
    value = found["value"].strip()
    if value == "*" or value.startswith("* "):
        return "user-agent: *"
    token = _PRODUCT_TOKEN.match(value)
    is_ours = token is not None and token[0].lower() == agent.lower()
    return f"user-agent: {agent if is_ours else _NOT_OURS}"
