"""A thread of Hacker News as its own page shows it: saved from a browser. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lxml import html
from lxml.html import HtmlElement

from leads.pages import first, has_class, parse_html
from leads.sources.job_boards.base import BoardPage, Vacancy, ending

_COMMENT = f"//tr[{has_class('comtr')}][@id]"


def is_thread_page(source: str) -> bool:
    """Say whether a text is the page of a thread."""
    return "comtr" in source and "commtext" in source and "athing" in source


def read_thread_page(
    source: str, vacancy: Callable[[Mapping[str, Any]], Vacancy | None]
) -> BoardPage:
    """Read the comments that answer the thread itself; replies to them are talk."""
    found: dict[str, Vacancy] = {}
    listed = 0
    for row in parse_html(source).xpath(_COMMENT):
        body = first(row, f".//*[{has_class('commtext')}]")
        if body is None or not _is_at_the_top(row):
            continue
        listed += 1
        moment = first(row, f".//*[{has_class('age')}]")
        told = {
            "objectID": row.get("id"),
            "comment_text": _inner(body),
            "created_at": moment.get("title") if moment is not None else "",
        }
        if read := vacancy(told):
            found.setdefault(read.key, read)
    outcome, reason = ending(len(found), 0, listed)
    return BoardPage(outcome, reason, list(found.values()))


def _is_at_the_top(row: HtmlElement) -> bool:
    indent = first(row, f".//td[{has_class('ind')}]")
    if indent is None:
        return True
    if (told := indent.get("indent")) is not None:
        return bool(told == "0")
    # Older pages tell it by the width of an empty picture alone.
    picture = first(indent, ".//img")
    return picture is None or (picture.get("width") or "0") == "0"


def _inner(body: HtmlElement) -> str:
    return (body.text or "") + "".join(
        html.tostring(child, encoding="unicode") for child in body
    )
