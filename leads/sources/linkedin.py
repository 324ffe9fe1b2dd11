"""The source LinkedIn, from what its members may save: their contacts and guest pages. Pure.

Its robots.txt forbids every page to unknown agents, so a live fetch ends there.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from lxml.html import HtmlElement

from leads.outcomes import Outcome
from leads.pages import first, has_class, parse_html, text_of
from leads.saved_pages import is_markup
from leads.sources.base import PageReading
from leads.sources.job_boards.base import (
    BoardPage,
    Vacancy,
    ending,
    is_remote_text,
    plain,
)
from leads.sources.linkedin_contacts import is_contacts, read_contacts
from leads.walls import find_wall

NAME = "linkedin"
GUEST_PATH = "/jobs-guest/jobs/api/seeMoreJobPostings/search"
#: The list answers nothing beyond this offset.
_LAST_START = 1_000
_JOB_ID = re.compile(r"(?:jobPosting:|-|/view/)(\d{6,})(?:[/?#]|$)")


def guest_list_url(base: str, query: str, location: str) -> str:
    """Give the address of the first part of the guests' list of jobs."""
    return f"{base}{GUEST_PATH}?" + urlencode(
        {"keywords": query, "location": location, "start": 0}
    )


def read_jobs(text: str, url: str) -> BoardPage:
    """Read a guest page: a list of job cards, or one job; never raises."""
    page = parse_html(text)
    if wall := _wall(page, text, url):
        return BoardPage(Outcome.BLOCKED, wall)
    cards = page.xpath(
        f"//*[{has_class('base-search-card')} or {has_class('job-search-card')}]"
        "[starts-with(@data-entity-urn, 'urn:li:jobPosting:')]"
    )
    if not cards and (job := _detail(page, url)):
        return BoardPage(Outcome.OK, "", [job])
    found: dict[str, Vacancy] = {}
    unreadable = 0
    for card in cards:
        vacancy = _card(card)
        if vacancy is None:
            unreadable += 1
        else:
            found.setdefault(vacancy.key, vacancy)
    if not cards and not _is_list(page, text, url):
        reason = "The page has neither job cards nor a job of the known kind."
        return BoardPage(Outcome.MARKUP_CHANGED, reason)
    outcome, reason = ending(len(found), unreadable, len(cards))
    next_url = _next(url, len(cards)) if found else ""
    return BoardPage(
        outcome, reason, list(found.values()), next_url, unreadable=unreadable
    )


def _wall(page: HtmlElement, text: str, url: str) -> str:
    address = urlsplit(url).path if "//" in url else ""
    if "/authwall" in address or "/signup" in address or "/checkpoint" in address:
        return "LinkedIn's sign-up page came in place of the page."
    if page.xpath(f"//*[{has_class('authwall')} or {has_class('authwall-join-form')}]"):
        return "LinkedIn's sign-up page came in place of the page."
    title = text_of(first(page, "//title"))
    return find_wall(text, title=title, text=text_of(page)[:5_000])


def _is_list(page: HtmlElement, text: str, url: str) -> bool:
    """Say whether a page without cards is a list all the same: a proved zero."""
    if page.xpath(f"//ul[{has_class('jobs-search__results-list')}]"):
        return True
    # The guests' interface answers an offset beyond its end with nothing or a comment.
    return GUEST_PATH in url and not text_of(page)


def _card(card: HtmlElement) -> Vacancy | None:
    key = (card.get("data-entity-urn") or "").rpartition(":")[2]
    title = text_of(first(card, f".//h3[{has_class('base-search-card__title')}]"))
    named = first(card, f".//h4[{has_class('base-search-card__subtitle')}]")
    link = first(card, f".//a[{has_class('base-card__full-link')}]")
    # In a variant the link itself is the card.
    href = (link if link is not None else card).get("href") or ""
    if not key.isdigit() or not title or not text_of(named):
        return None
    posted = first(card, ".//time[@datetime]")
    location = text_of(first(card, f".//*[{has_class('job-search-card__location')}]"))
    return Vacancy(
        key=key,
        title=title[:300],
        company=text_of(named)[:200],
        url=href.partition("?")[0] or f"https://www.linkedin.com/jobs/view/{key}",
        location=location[:200],
        is_remote=is_remote_text(location),
        posted_at=(posted.get("datetime") or "")[:40] if posted is not None else "",
        salary=text_of(
            first(card, f".//*[{has_class('job-search-card__salary-info')}]")
        )[:100],
    )


def _detail(page: HtmlElement, url: str) -> Vacancy | None:
    title = text_of(first(page, f"//*[{has_class('top-card-layout__title')}]"))
    company = text_of(first(page, f"//*[{has_class('topcard__org-name-link')}]"))
    if not title or not company:
        return None
    canonical = first(page, "//link[@rel='canonical']")
    link = url or (canonical.get("href") if canonical is not None else "") or ""
    found = _JOB_ID.search(link)
    told = _criteria(page)
    text = first(page, f"//*[{has_class('show-more-less-html__markup')}]")
    location = text_of(first(page, f"//*[{has_class('topcard__flavor--bullet')}]"))
    return Vacancy(
        key=found[1] if found else f"{company}:{title}"[:180],
        title=title[:300],
        company=company[:200],
        url=link.partition("?")[0],
        location=location[:200],
        is_remote=is_remote_text(location),
        department=told.get("job function", "")[:200],
        employment_type=told.get("employment type", "")[:100],
        tags=tuple(filter(None, [told.get("seniority level"), told.get("industries")])),
        description=plain(text_of(text)),
        apply_url=_apply_url(page),
    )


def _criteria(page: HtmlElement) -> dict[str, str]:
    items = page.xpath(f"//li[{has_class('description__job-criteria-item')}]")
    return {
        text_of(first(item, ".//h3")).lower(): text_of(first(item, ".//span"))
        for item in items
    }


def _apply_url(page: HtmlElement) -> str:
    """Give where to apply; the address stands in a comment inside of an element."""
    code = first(page, "//code[@id='applyUrl']")
    if code is None:
        return ""
    raw = "".join([code.text or "", *(child.text or "" for child in code)])
    query = parse_qs(urlsplit(raw.strip(' "')).query)
    return query.get("url", [""])[0][:1000]


def _next(url: str, count: int) -> str:
    """Give the address of the next part; LinkedIn's parts have as many as they like."""
    if GUEST_PATH not in url:
        return ""
    split = urlsplit(url)
    query = parse_qs(split.query)
    start = query.get("start", ["0"])[0]
    following = (int(start) if start.isdigit() else 0) + count
    if following >= _LAST_START:
        return ""
    told = {name: values[-1] for name, values in query.items()}
    return split._replace(query=urlencode(told | {"start": following})).geturl()


def read_page(text: str, url: str) -> PageReading:
    """Read a saved Connections.csv or guest page, for `explain page`; never raises."""
    if is_contacts(text) or not is_markup(text):
        read = read_contacts(text)
        contacts = [_item(asdict(each)) for each in read.contacts]
        more: dict[str, Any] = {"kind": "contacts", "unreadable": read.unreadable}
        return PageReading(read.outcome, read.reason, contacts, more)
    try:
        urlsplit(url)
    except ValueError:
        url = ""
    jobs = read_jobs(text, url)
    more = {"kind": "jobs", "unreadable": jobs.unreadable, "next_url": jobs.next_url}
    items = [_item(asdict(each)) for each in jobs.vacancies]
    return PageReading(jobs.outcome, jobs.reason, items, more)


def _item(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in values.items() if value not in ("", None, ())
    }
