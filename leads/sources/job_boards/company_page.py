"""JobPosting in the structured data of a company's own page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from leads.contacts import visible_text
from leads.outcomes import Outcome
from leads.pages import first, parse_html, text_of
from leads.sources.job_boards.base import (
    Board,
    BoardPage,
    Vacancy,
    day,
    pay,
    plain,
    website_of,
)
from leads.structured import json_ld_blocks, read_nodes, text_value, types_of
from leads.walls import find_wall


def read(source: str, url: str) -> BoardPage:
    """Read every JobPosting of a page; a bad block costs none of the others."""
    page = parse_html(source)
    title = text_of(first(page, "//title"))
    described = read_nodes(page, url=url)
    named = {
        str(node["@id"]): node for node in described if len(node) > 1 and "@id" in node
    }
    nodes = [
        _resolved(node, named) for node in described if "JobPosting" in types_of(node)
    ]
    if not nodes and (wall := find_wall(source, title=title, text=visible_text(page))):
        return BoardPage(Outcome.BLOCKED, wall)
    found: dict[str, Vacancy] = {}
    unreadable = 0
    for node in nodes:
        vacancy = _vacancy(node, url)
        if vacancy is None:
            unreadable += 1
        else:
            found.setdefault(vacancy.key, vacancy)
    bad = [block.fault for block in json_ld_blocks(page) if block.fault]
    outcome, reason = _ending(len(found), unreadable, bad)
    return BoardPage(outcome, reason, list(found.values()), unreadable=unreadable)


def _resolved(
    node: Mapping[str, Any], named: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """Put in place what a job only refers to: `"hiringOrganization": {"@id": "#us"}`."""
    return {
        name: named.get(str(value["@id"]), value)
        if isinstance(value, dict) and value.keys() == {"@id"}
        else value
        for name, value in node.items()
    }


def _ending(read_: int, unreadable: int, bad: list[str]) -> tuple[Outcome, str]:
    if bad:
        reason = f"{len(bad)} blocks of structured data can't be read whole ({bad[0]})"
        return (Outcome.PARTIAL if read_ else Outcome.MARKUP_CHANGED), reason
    if unreadable:
        reason = (
            f"{unreadable} of {read_ + unreadable} jobs have no title or no company."
        )
        return (Outcome.PARTIAL if read_ else Outcome.MARKUP_CHANGED), reason
    if not read_:
        return Outcome.EMPTY, "The page describes no job in its structured data."
    return Outcome.OK, ""


def _vacancy(node: Mapping[str, Any], url: str) -> Vacancy | None:
    title = text_value(node.get("title")) or text_value(node.get("name"))
    company = node.get("hiringOrganization")
    name = text_value(company)
    if not title or not name:
        return None
    link = text_value(node.get("url"))
    link = urljoin(url, link) if link else url
    where = _address(node.get("jobLocation"))
    named = company if isinstance(company, dict) else {}
    site = website_of(text_value(named.get("sameAs") or named.get("url")), not_at=())
    kind = node.get("employmentType")
    kinds = kind if isinstance(kind, list) else [kind]
    is_remote = text_value(node.get("jobLocationType")).upper() == "TELECOMMUTE"
    identifier = node.get("identifier")
    number = text_value(
        identifier.get("value") if isinstance(identifier, dict) else identifier
    )
    return Vacancy(
        key=number or f"{link}#{title}"[:180],
        title=title[:300],
        company=name[:200],
        url=link,
        website=site,
        location=", ".join(filter(None, where.values())),
        **where,
        is_remote=is_remote or None,
        department=text_value(node.get("industry")),
        employment_type=", ".join(filter(None, map(text_value, kinds)))[:100],
        posted_at=day(node.get("datePosted")),
        expires_at=day(node.get("validThrough")),
        salary=_salary(node.get("baseSalary")),
        description=plain(node.get("description")),
    )


def _address(value: Any) -> dict[str, Any]:
    """Give the parts of the first place; a place may be a text, an object or a list."""
    place = value[0] if isinstance(value, list) and value else value
    inner = place.get("address", place) if isinstance(place, dict) else place
    inner = inner[0] if isinstance(inner, list) and inner else inner
    if not isinstance(inner, dict):
        return {"city": text_value(inner), "region": "", "country": ""}
    return {
        "city": text_value(inner.get("addressLocality")),
        "region": text_value(inner.get("addressRegion")),
        "country": text_value(inner.get("addressCountry")),
    }


def _salary(value: Any) -> str:
    if not isinstance(value, dict):
        return text_value(value)
    inner = value.get("value")
    if not isinstance(inner, dict):
        return pay(value.get("currency"), _number(inner), None)
    least = _number(inner.get("minValue", inner.get("value")))
    per = text_value(inner.get("unitText")).lower()
    most = _number(inner.get("maxValue"))
    return pay(value.get("currency"), least, most, f"per {per}" if per else "")


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


BOARD = Board(
    name="company_page",
    label="A company's own page",
    base_url="",
    # The company is the page's own address.
    path=lambda company: company,
    read=read,
    hosts=(),
)
