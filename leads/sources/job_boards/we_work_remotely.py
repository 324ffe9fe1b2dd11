"""The job board We Work Remotely: an RSS feed that names companies' websites. Pure."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from lxml import etree

from leads.pages import parse_html
from leads.sources.job_boards.base import (
    Board,
    BoardPage,
    Vacancy,
    ending,
    is_remote_text,
    not_the_board,
    plain,
    text,
    website_of,
)

_HOSTS = ("weworkremotely.com",)


def read(source: str, url: str) -> BoardPage:
    """Read the items of the feed; what a damaged feed still has is kept."""
    # Nothing is resolved or loaded that the feed names.
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False
    )
    try:
        root = etree.fromstring(source.strip().encode(), parser=parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or root.find("channel") is None:
        return BoardPage(*not_the_board(source, ""))
    fault = parser.error_log[0].message if len(parser.error_log) else ""
    items = root.findall("channel/item")
    found: dict[str, Vacancy] = {}
    for item in items:
        vacancy = _vacancy(item)
        if vacancy is not None:
            found.setdefault(vacancy.key, vacancy)
    unreadable = sum(_vacancy(item) is None for item in items)
    outcome, reason = ending(len(found), unreadable, len(items), fault)
    return BoardPage(outcome, reason, list(found.values()), unreadable=unreadable)


def _vacancy(item: etree._Element) -> Vacancy | None:
    def said(name: str) -> str:
        return text(item.findtext(name) or "")

    company, colon, role = said("title").partition(": ")
    link = said("link") or said("guid")
    if not colon or not company or not role or not link:
        return None
    description = item.findtext("description") or ""
    headquarters, website = _company(description)
    region = said("region")
    return Vacancy(
        key=said("guid") or link,
        title=role,
        company=company,
        url=link,
        website=website,
        location=headquarters or region,
        is_remote=is_remote_text("remote"),
        department=said("category"),
        employment_type=said("type"),
        posted_at=_day(said("pubDate")),
        expires_at=_day(said("expires_at")),
        tags=tuple(tag.strip() for tag in said("skills").split(",") if tag.strip())[
            :20
        ],
        description=plain(description),
    )


def _company(description: str) -> tuple[str, str]:
    """Give the headquarters and the website that the text begins with."""
    if not description.strip():
        return "", ""
    page = parse_html(description)
    headquarters = website = ""
    for label in page.xpath("//strong | //b"):
        name = text(label.text_content()).rstrip(":").lower()
        if name == "headquarters" and not headquarters:
            headquarters = text(label.tail or "")
        elif name == "url" and not website:
            link = label.getnext()
            stated = link.get("href") if link is not None and link.tag == "a" else ""
            website = website_of(stated or text(label.tail or ""), not_at=_HOSTS)
    return headquarters, website


def _day(value: str) -> str:
    try:
        return parsedate_to_datetime(value).astimezone(UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        return ""


BOARD = Board(
    name="we_work_remotely",
    label="We Work Remotely",
    base_url="https://weworkremotely.com",
    path=lambda company: (
        f"/categories/remote-{company}-jobs.rss" if company else "/remote-jobs.rss"
    ),
    read=read,
    hosts=_HOSTS,
    needs_company=False,
    attribution="We Work Remotely",
)
