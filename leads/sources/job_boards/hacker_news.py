"""Hacker News' monthly "Who is hiring?": one comment for each company. Pure.

Each first line follows a custom: company (address) | role | place | REMOTE | …. Addresses
of e-mail in it are meant for applicants and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml.html import HtmlElement

from leads.contacts import without_contacts
from leads.outcomes import Outcome
from leads.page_text import lines_of
from leads.pages import parse_html
from leads.sources.job_boards.base import (
    Board,
    BoardPage,
    Vacancy,
    day,
    is_remote_text,
    read_jobs,
    read_json,
    text,
    website_of,
)
from leads.sources.job_boards.thread_pages import is_thread_page, read_thread_page

_HOSTS = ("ycombinator.com", "algolia.com", "firebaseio.com")
#: Addresses that are seldom the company's own site.
_NOT_OWN = (
    *("ycombinator.com", "linkedin.com", "github.com", "twitter.com", "x.com"),
    *("greenhouse.io", "lever.co", "ashbyhq.com", "workable.com", "google.com"),
    *("smartrecruiters.com", "youtube.com", "notion.so", "notion.site", "typeform.com"),
    *(
        "ashby.com",
        "gem.com",
        "rippling.com",
        "bamboohr.com",
        "breezy.hr",
        "workday.com",
    ),
)
_QUESTION = re.compile(r"^\s*ask hn:\s*who is hiring\?", re.IGNORECASE)
_ADDRESS = re.compile(r"\(?\s*(https?://[^\s()|]+)\s*\)?")
_DOMAIN = re.compile(r"\(\s*((?:[a-z0-9-]+\.)+[a-z]{2,12})/?\s*\)", re.IGNORECASE)
_MODE = re.compile(
    r"^\W*(?:(?:fully |100% )?remote\b|on-?site\b|hybrid\b|full[- ]?time\b|part[- ]?time\b"
    r"|contract(?:or)?\b|intern(?:s|ship)?\b|visa\b|in[- ]?office\b|in[- ]person\b)",
    re.IGNORECASE,
)
_PAY = re.compile(r"[$€£]\s?\d|\b\d{2,3}\s?k\b|\bequity\b|\bsalary\b", re.IGNORECASE)
_ROLE = re.compile(
    r"\b(?:engineer|devs?\b|developer|designer|manager|lead|head of|analyst|scientist|architect"
    r"|founding|sre|devops|full[- ]?stack|front[- ]?end|back[- ]?end|marketing|sales"
    r"|writer|support|product|director|staff|senior|intern|multiple|various|roles?)",
    re.IGNORECASE,
)
_SEEKER = re.compile(
    r"^\s*(?:location\s*:|seeking work|seeking freelancer|willing to relocate|hi,? i)",
    re.IGNORECASE,
)


def read(source: str, url: str) -> BoardPage:
    """Read the comments of a thread, or find the newest thread among stories.

    Comments without the customary line are left out: they are questions and talk.
    """
    if is_thread_page(source):
        return read_thread_page(source, _vacancy)
    answer, _ = read_json(source)
    if (thread := _newest_thread(answer)) is not None:
        return _next_is(thread, url)

    def vacancy(hit: Mapping[str, Any], _: Any) -> Vacancy | None:
        if not isinstance(hit, Mapping):
            raise TypeError
        if _is_reply(hit):
            return None
        return _vacancy(hit)

    return read_jobs(
        source, pick=_comments, read=vacancy, finish=lambda found: _rest(found, url)
    )


def _newest_thread(answer: Any) -> str | None:
    """Give the id of the newest question among stories, empty for none, else None."""
    hits = answer.get("hits") if isinstance(answer, dict) else None
    if not isinstance(hits, list) or not hits:
        return None
    stories = [hit for hit in hits if isinstance(hit, dict) and hit.get("title")]
    if len(stories) != len(hits) or any(hit.get("comment_text") for hit in stories):
        return None
    asked = [hit for hit in stories if _QUESTION.match(str(hit["title"]))]
    asked.sort(key=lambda hit: str(hit.get("created_at_i") or hit.get("created_at")))
    return text(asked[-1].get("objectID")) if asked else ""


def _next_is(thread: str, url: str) -> BoardPage:
    if not thread:
        reason = "None of the stories is the question who is hiring."
        return BoardPage(Outcome.EMPTY, reason)
    base = url.partition("/api/v1/")[0] or BOARD.base_url
    return BoardPage(Outcome.OK, next_url=f"{base}/api/v1/items/{thread}")


def _comments(answer: Any) -> Any:
    if isinstance(answer, list):
        return answer
    if answer.get("type") == "comment" and "text" in answer:
        return [answer]  # One comment, as Firebase gives it.
    return answer["hits"] if "hits" in answer else answer["children"]


def _is_reply(hit: Mapping[str, Any]) -> bool:
    """Say whether a comment answers another comment and not the question."""
    parent, story = hit.get("parent_id"), hit.get("story_id")
    if parent is None or story is None:
        return False
    return str(parent) != str(story)


def _rest(answer: Any, url: str) -> Mapping[str, Any]:
    pages, page = answer.get("nbPages"), answer.get("page")
    if not isinstance(pages, int) or not isinstance(page, int) or page + 1 >= pages:
        return {}
    bare = re.sub(r"([?&])page=\d+&?", r"\1", url).rstrip("?&")
    join = "&" if "?" in bare else "?"
    return {"next_url": f"{bare}{join}page={page + 1}"} if url else {}


def _vacancy(hit: Mapping[str, Any]) -> Vacancy | None:
    body = hit.get("comment_text") or hit.get("text")
    key = text(hit.get("objectID") or hit.get("id"))
    if not isinstance(body, str) or not body or hit.get("deleted") or hit.get("dead"):
        return None
    page = parse_html(body)
    lines = list(_lines(page))
    if not lines or lines[0].count("|") < 1 or _SEEKER.match(lines[0]):
        return None
    told = _first_line(lines[0])
    if not told["company"]:
        return None
    links = [
        *_ADDRESS.findall(lines[0]),
        *(f"https://{domain}/" for domain in _DOMAIN.findall(lines[0])),
        *page.xpath("//a/@href"),
    ]
    sites = (website_of(link, not_at=_NOT_OWN) for link in links)
    created = hit.get("created_at") or hit.get("created_at_i") or hit.get("time")
    return Vacancy(
        key=key,
        url=f"https://news.ycombinator.com/item?id={key}",
        website=next(filter(None, sites), ""),
        is_remote=is_remote_text(lines[0]),
        posted_at=day(created),
        description=without_contacts(" ".join(lines[1:]))[:4_000],
        **told,
    )


def _lines(page: HtmlElement) -> Iterator[str]:
    for line in lines_of(page):
        if found := text("".join(line)):
            yield found


def _first_line(line: str) -> dict[str, Any]:
    """Give company, title, location and more of the customary line."""
    parts = [part.strip(" \t-–—*") for part in without_contacts(line).split("|")]
    named = [(_named(part), part) for part in parts]
    # Some begin with "Remote (US)" and name the company after it.
    company = next((name for name, part in named if name and not _MODE.match(part)), "")
    rest = [name for name, _ in named if name and name != company]
    modes = [part for part in rest if _MODE.match(part)]
    pays = [part for part in rest if part not in modes and _PAY.search(part)]
    plain = [part for part in rest if part not in modes and part not in pays]
    title = next((part for part in plain if _ROLE.search(part)), "")
    if not title and len(plain) > 1:
        title = plain[0]
    places = [part for part in plain if part != title]
    return {
        "company": company[:200],
        "title": title[:200],
        "location": next(iter([*places, *modes]), "")[:200],
        "employment_type": ", ".join(modes)[:100],
        "salary": next(iter(pays), "")[:100],
    }


def _named(part: str) -> str:
    """Drop addresses from a part, and signs that are left over."""
    bare = _DOMAIN.sub("", _ADDRESS.sub("", part))
    return re.sub(r"\(\s*\)", "", bare).strip(" ,;:-–—")


BOARD = Board(
    name="hacker_news",
    label="Hacker News: Who is hiring?",
    base_url="https://hn.algolia.com",
    path=lambda company: (
        "/api/v1/search_by_date?tags=story,author_whoishiring&hitsPerPage=10"
    ),
    read=read,
    hosts=_HOSTS,
    needs_company=False,
    attribution="Hacker News",
)
