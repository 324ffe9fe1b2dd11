"""What every job board gives: where it answers, and how its answer is read. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fliptech_site.decoding import repair
from leads.character_references import unescape
from leads.json_blocks import read_json_block
from leads.outcomes import Outcome
from leads.page_text import flow_text
from leads.pages import parse_html, storable
from leads.walls import find_wall

#: Characters of a job's text that are kept for people to read.
_DESCRIPTION = 4_000
_REMOTE = re.compile(
    r"\b(?:remote|anywhere|worldwide|work from home|wfh)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Vacancy:
    """One job that a company advertises; `key` is the board's own id of it."""

    key: str
    title: str
    company: str
    url: str = ""
    #: The company's own address, empty when the board does not tell it.
    website: str = ""
    #: As it is written: "Berlin, Germany"; the parts where the board tells them.
    location: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    is_remote: bool | None = None
    department: str = ""
    employment_type: str = ""
    #: ISO 8601.
    posted_at: str = ""
    expires_at: str = ""
    #: As people write it: "USD 80,000-100,000 per year".
    salary: str = ""
    apply_url: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class BoardPage:
    """What one answer of a board holds, and how its reading ended."""

    outcome: Outcome
    reason: str = ""
    vacancies: list[Vacancy] = field(default_factory=list)
    #: Where the next part is, empty after the last.
    next_url: str = ""
    #: What the board itself says it has in all, None when it doesn't.
    total: int | None = None
    #: Entries that could not be read.
    unreadable: int = 0


@dataclass(frozen=True)
class Board:
    """A job board; its functions are pure and the readers never raise."""

    name: str
    #: How people write it.
    label: str
    #: Where it answers.
    base_url: str
    #: Gives the path of the first question from the company's name on the board.
    path: Callable[[str], str]
    #: Reads an answer that came from this address.
    read: Callable[[str, str], BoardPage]
    #: Whether an address is this board's.
    hosts: tuple[str, ...]
    needs_company: bool = True
    #: Whom its terms want named beside what is shown.
    attribution: str = ""

    def is_at(self, url: str) -> bool:
        """Say whether an address is this board's."""
        host = host_of(url)
        return any(host == each or host.endswith("." + each) for each in self.hosts)


def host_of(url: str) -> str:
    """Give the host of an address, empty for nonsense."""
    try:
        return (urlsplit(url.strip()).hostname or "").lower()
    except ValueError:
        return ""


def website_of(url: object, *, not_at: Iterable[str]) -> str:
    """Give the site that an address lies on, empty when it is the board's own."""
    link = text(url)
    host = host_of(link)
    is_board = any(host == each or host.endswith("." + each) for each in not_at)
    if is_board or not host or not link.startswith(("http://", "https://")):
        return ""
    return f"{urlsplit(link).scheme}://{urlsplit(link).netloc}/"


def read_json(source: str) -> tuple[Any, str]:
    """Give the JSON of an answer, and what is wrong with it; a cut one up to its end."""
    try:
        return json.loads(source), ""
    except (ValueError, RecursionError) as error:
        fault = str(error)
    block = read_json_block(source)
    if block.values:
        return block.values[0], block.fault or "It has small faults."
    return None, fault


def read_jobs(
    source: str,
    *,
    pick: Callable[[Any], Any],
    read: Callable[[Mapping[str, Any], Any], Vacancy | None],
    finish: Callable[[Any], Mapping[str, Any]] = lambda answer: {},
) -> BoardPage:
    """Read a JSON answer job by job; a bad one costs none of the others.

    `pick` gives the list of an answer and None when it is no answer of this board;
    `read` gives None for what is to be left out; `finish` gives next_url and total.
    """
    answer, fault = read_json(source)
    try:
        listed = pick(answer) if answer is not None else None
    except (AttributeError, KeyError, TypeError, IndexError):
        listed = None
    if not isinstance(listed, list):
        return BoardPage(*not_the_board(source, fault))
    vacancies: dict[str, Vacancy] = {}
    unreadable = 0
    for each in listed:
        try:
            vacancy = read(each, answer)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError):
            unreadable += 1
            continue
        if vacancy is not None:
            vacancies.setdefault(vacancy.key, vacancy)
    try:
        more = finish(answer)
    except (AttributeError, KeyError, TypeError, ValueError):
        more = {}
    outcome, reason = ending(len(vacancies), unreadable, len(listed), fault)
    return BoardPage(
        outcome, reason, list(vacancies.values()), unreadable=unreadable, **more
    )


def ending(
    read: int, unreadable: int, listed: int, fault: str = ""
) -> tuple[Outcome, str]:
    """Say how the reading of a list ended."""
    if fault:
        reason = (
            f"The answer is damaged: {fault.rstrip('.')}; {read} jobs stand before."
        )
        return Outcome.PARTIAL if read else Outcome.MARKUP_CHANGED, reason
    if unreadable and not read:
        return Outcome.MARKUP_CHANGED, f"None of the {unreadable} jobs can be read."
    if unreadable:
        return Outcome.PARTIAL, f"{unreadable} of {listed} jobs can't be read."
    if not read:
        is_filtered = listed > 0
        return Outcome.EMPTY, (
            f"None of the {listed} entries is a job that is open."
            if is_filtered
            else "The board's list is there and has no jobs in it."
        )
    return Outcome.OK, ""


def not_the_board(source: str, fault: str) -> tuple[Outcome, str]:
    """Say what came instead of a board's answer."""
    if source.lstrip("\ufeff \t\r\n").startswith("<"):
        page = parse_html(source)
        title = " ".join(page.xpath("//title[1]//text()")).strip()
        shown = flow_text(page)
        if wall := find_wall(source, title=title, text=shown):
            return Outcome.BLOCKED, wall
        return Outcome.MARKUP_CHANGED, "A web page came instead of the board's answer."
    if fault:
        return Outcome.MARKUP_CHANGED, f"The answer is no JSON: {fault.rstrip('.')}."
    return Outcome.MARKUP_CHANGED, "The answer has no list of jobs where it should be."


def text(value: Any) -> str:
    """Give a value as one line of text, put right if it was encoded twice."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return re.sub(r"\s+", " ", storable(unescape(repair(str(value))))).strip()


def plain(value: Any) -> str:
    """Give the text of HTML, also of HTML that was escaped once or twice."""
    if not isinstance(value, str) or not value.strip():
        return ""
    markup = repair(value)
    for _ in range(2):
        if "<" in markup or "&lt;" not in markup:
            break
        markup = unescape(markup)
    if "<" not in markup:
        return text(markup)[:_DESCRIPTION]
    return text(flow_text(parse_html(markup)))[:_DESCRIPTION]


def day(value: Any) -> str:
    """Give a time in ISO 8601: from such text, or from seconds or milliseconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if value > 1e11 else value
        try:
            return datetime.fromtimestamp(seconds, UTC).isoformat()
        except (OverflowError, ValueError, OSError):
            return ""
    return text(value)[:40]


def is_remote_text(*texts: str) -> bool | None:
    """Say that a text speaks of remote work; None when it says nothing of it."""
    return True if any(_REMOTE.search(each) for each in texts) else None


def pay(currency: Any, least: Any, most: Any, per: Any = "") -> str:
    """Write a range of pay for people; empty when no number is above zero."""
    numbers = [
        f"{each:,.0f}"
        for each in (least, most)
        if isinstance(each, int | float) and not isinstance(each, bool) and each > 0
    ]
    span = "-".join(dict.fromkeys(numbers))
    interval = text(per).lower().replace("-", " ").replace("_", " ")
    return " ".join(filter(None, (text(currency), span, interval))) if span else ""
