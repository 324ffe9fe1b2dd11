"""Explain from files how pages, contact data and robots.txt are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from lxml.html import HtmlElement

from leads import explaining_tables
from leads.contact_links import contact_links
from leads.contacts import (
    emails_in_text,
    find_emails,
    find_phones,
    phones_in_text,
    to_e164,
)
from leads.outcomes import Outcome
from leads.pages import parse_html
from leads.robots_rules import MAX_BYTES, parse_robots
from leads.saved_pages import SavedPage, is_markup, read_saved_file
from leads.socials import find_socials
from leads.sources import PAGE_READERS
from leads.sources.base import PageReading
from leads.sources.website import stated_emails
from leads.state_addresses import strings_as_page
from leads.structured import find_business, read_nodes, same_as, text_value


class PageExplainer:
    """`explain page SOURCE FILE --url URL`: what a source reads on a saved page."""

    help = "what a source reads on a saved page: items, outcome, reason"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the source, the files and the address the page had."""
        parser.add_argument("source", choices=[*PAGE_READERS, explaining_tables.NAME])
        parser.add_argument("file", type=Path, nargs="+")
        parser.add_argument("--url", default="", help="the page's own address")

    def explain(
        self, *, source: str, file: list[Path], url: str, **_: Any
    ) -> Iterable[dict[str, Any]]:
        """Give one object for each file: items, outcome, reason and more."""
        for path in file:
            if source == explaining_tables.NAME:
                told = explaining_tables.explain_table(path)
                is_readable = told["outcome"] != Outcome.ERROR
                yield {"file": str(path), "source": source, **told} | {
                    "is_readable": is_readable
                }
                continue
            saved = read_saved_file(path)
            yield {
                "file": str(path),
                "source": source,
                "url": url or saved.url,
                **_explained(source, saved, url or saved.url),
                "is_readable": saved.is_readable,
            }


def _explained(source: str, saved: SavedPage, url: str) -> dict[str, Any]:
    if not saved.has_text:
        return {"outcome": saved.outcome, "reason": saved.reason, "items": []}
    reading: PageReading = PAGE_READERS[source](saved.text, url)
    outcome, reason = reading.outcome, reading.reason
    if saved.outcome == Outcome.PARTIAL:
        reason = " ".join(part for part in (saved.reason, reason) if part)
        outcome = Outcome.PARTIAL if outcome == Outcome.OK else outcome
    return {
        "outcome": outcome,
        "reason": reason,
        "items": reading.items,
        "count": len(reading.items),
        **reading.more,
    }


class ContactsExplainer:
    """`explain contacts FILE`: the addresses and numbers on a saved page."""

    help = "the e-mail addresses and phone numbers on a saved page or in a text"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files, the page's address and the country of its numbers."""
        parser.add_argument("file", type=Path, nargs="+")
        parser.add_argument("--url", default="", help="the page's own address")
        parser.add_argument(
            "--region", default="US", help="ISO 3166 country of numbers"
        )

    def explain(
        self, *, file: list[Path], url: str, region: str, **_: Any
    ) -> Iterable[dict[str, Any]]:
        """Give one object for each file: emails, phones, socials, outcome, reason."""
        for path in file:
            saved = read_saved_file(path)
            yield {
                "file": str(path),
                **_contacts(saved, url or saved.url, region),
                "is_readable": saved.is_readable,
            }


def _contacts(saved: SavedPage, url: str, region: str) -> dict[str, Any]:
    emails: list[str] = []
    phones: list[str] = []
    socials: dict[str, str] = {}
    links: list[str] = []
    text = strings_as_page(saved.text) or saved.text
    if saved.has_text and is_markup(text):
        page = parse_html(text)
        nodes = read_nodes(page)
        emails = list(dict.fromkeys(_emails(page, nodes)))
        phones = list(dict.fromkeys(_phones(page, nodes, region)))
        socials = find_socials(
            [*same_as(find_business(nodes)), *page.xpath("//a/@href")]
        )
        links = contact_links(page, url=url)
    elif saved.has_text:
        emails = emails_in_text(saved.text)
        phones = phones_in_text(saved.text, region=region)
    outcome, reason = saved.outcome, saved.reason
    if outcome == Outcome.OK and not (emails or phones or socials):
        outcome, reason = Outcome.EMPTY, "There is neither an address nor a number."
    return {
        "outcome": outcome,
        "reason": reason,
        "emails": emails,
        "phones": phones,
        "socials": socials,
        "contact_links": links,
    }


def _emails(page: HtmlElement, nodes: list[dict[str, Any]]) -> Iterator[str]:
    yield from stated_emails(find_business(nodes), nodes)
    yield from find_emails(page)


def _phones(
    page: HtmlElement, nodes: list[dict[str, Any]], region: str
) -> Iterator[str]:
    """Give the numbers that the structured data states, then those on the page."""
    for node in nodes:
        told = text_value(node.get("telephone"))
        if told and (number := to_e164(told, region=region)):
            yield number
    yield from find_phones(page, region=region)


class RobotsExplainer:
    """`explain robots FILE --agent A --url U`: whether an agent may fetch a page."""

    help = "whether a robots.txt lets an agent fetch a page"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file, the agent and the pages."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--agent", required=True, help="FlipTechBot, or a header")
        parser.add_argument("--url", required=True, action="append")

    def explain(
        self, *, file: Path, agent: str, url: list[str], **_: Any
    ) -> Iterable[dict[str, Any]]:
        """Give one object for each page: allowed, the rule that decides, the delay."""
        try:
            with file.open("rb") as opened:
                body = opened.read(MAX_BYTES)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "its name is none"
            # RFC 9309, section 2.3.1.4: what can't be read forbids everything.
            yield {
                "allowed": False,
                "outcome": Outcome.ERROR,
                "reason": f"{str(file)!r} can't be read ({why}): check its name.",
                "is_readable": False,
            }
            return
        rules = parse_robots(body, agent=agent)
        for address in url:
            if "://" not in address and not address.startswith("/"):
                yield {
                    "allowed": False,
                    "outcome": Outcome.ERROR,
                    "reason": f"{address!r} is no address: write https://… or /path.",
                    "is_readable": False,
                }
                continue
            rule = rules.deciding_rule(address)
            yield {
                "allowed": rules.allows(address),
                "outcome": Outcome.OK,
                "reason": f"Decided by {rule!r}." if rule else "No rule speaks of it.",
                "agent": agent,
                "url": address,
                "delay_seconds": rules.delay_seconds,
            }
