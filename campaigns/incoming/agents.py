"""Tell machines from people by their user agent: crawlers, scanners, image proxies. Pure."""

from __future__ import annotations

import re

from crawleruseragents import is_crawler

from campaigns.incoming.phrases import read_phrases

#: Characters of an agent that are looked at.
MAX_AGENT = 1_000

#: What opens mails and follows their links for people, and what programs send. A browser
#: in a phone's mail program names it, so "Mail" or "Outlook" alone are people.
_PHRASES = read_phrases("agents")
_MACHINES = re.compile(
    rf"{_PHRASES['anywhere']}|^(?:{_PHRASES['first']})\b", re.IGNORECASE
)
#: Phones and tablets whose names end like those of crawlers.
_PHONES = re.compile(r"cubot", re.IGNORECASE)
#: One name and version and no more: a library's or a tool's, unless people read with it.
_LONE = re.compile(r"[a-z][\w.\-]{0,60}/v?\d[\w.+\-]{0,40}", re.IGNORECASE)
_READ_WITH = re.compile(rf"(?:{_PHRASES['read_with']})", re.IGNORECASE)
_NAME = re.compile(r"[a-z]{3}", re.IGNORECASE)


def is_bot(agent: str) -> bool:
    """Say whether a machine sent a request; one that names itself by nothing is one."""
    agent = _PHONES.sub("phone", agent.strip()[:MAX_AGENT])
    if not _NAME.search(agent):
        return True
    # Mozilla/5.0 and no more is what programs send that want to look like a browser.
    if re.fullmatch(r"mozilla/\d\.\d(?: \(compatible;?\))?", agent, re.IGNORECASE):
        return True
    if _LONE.fullmatch(agent) and not _READ_WITH.match(agent):
        return True
    return bool(_MACHINES.search(agent)) or is_crawler(agent)
