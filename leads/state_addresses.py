"""Find the addresses in the state that a site's framework puts into its pages. Pure.

Next.js, Nuxt and their like send a page's data along as JSON or as a script that
assigns it. A string there is believed when its name says that it is mail, or when it
is all of a link.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from itertools import islice

from lxml.html import HtmlElement

#: Characters of one script that are looked at.
_LOOKED_AT = 2_000_000
#: Strings of one answer that are looked at.
_MOST_STRINGS = 100_000
#: Scripts that hand data over: `window.__NUXT__ =`.
_ASSIGNS_STATE = re.compile(
    r"\b(?:window|self|globalThis)(?:\.|\[['\"])_{0,2}[A-Z][\w$]*(?:['\"]\])?\s*=",
    re.IGNORECASE,
)
#: `var config = {"supportEmail": …`: data where its names stand in quotes.
_ASSIGNS_DATA = re.compile(
    r"(?:^|[;\n}>])[ \t]*(?:(?:var|let|const)\s{1,3})?[\w$.]{1,80}\s{0,3}=\s{0,3}[\[{]{1,2}\s{0,9}\""
)
#: `"contactEmail": "rosa@shop.example"`, its quotes escaped up to three times.
_NAMED = re.compile(
    r"(?<![\w-])\\{0,7}[\"']?([\w$.-]{0,40}e?mail[\w$-]{0,40})\\{0,7}[\"']?\s{0,3}:\s{0,3}"
    r"\\{0,7}[\"']((?:mailto:)?[^\"'\\<>\s]{1,64}(?:@|\\{1,7}u0040|&#64;|%40)[\w.-]{3,120})"
    r"\\{0,7}[\"']",
    re.IGNORECASE,
)
_LINKED = re.compile(
    r"\\{0,7}[\"']mailto:([^\"'\\<>\s?]{1,64}@[\w.-]{3,120})", re.IGNORECASE
)
#: A string of its own in a list: Nuxt 3 keeps names and values apart.
_ALONE = re.compile(r"[\[,]\"([\w.+-]{1,64}@[\w-]+(?:\.[\w-]+){1,4})\"(?=[\],])")
_SAMPLE_NAME = re.compile(r"placeholder|example|sample|label|error|hint", re.IGNORECASE)
_ESCAPED_AT = re.compile(r"\\{1,7}u0040")


def state_addresses(page: HtmlElement) -> Iterator[str]:
    """Give the texts in a page's state that hold addresses."""
    for script in page.xpath("//script[not(@src)]"):
        kind, text = (script.get("type") or "").lower(), script.text or ""
        if "ld+json" in kind or not ("@" in text or "u0040" in text or "%40" in text):
            continue
        text = text[:_LOOKED_AT]
        if not ("json" in kind or _is_state(text)):
            continue
        for name, value in _NAMED.findall(text):
            if not _SAMPLE_NAME.search(name):
                yield _ESCAPED_AT.sub("@", value).replace("%40", "@")
        yield from _LINKED.findall(text)
        if "NUXT" in (script.get("id") or ""):
            yield from _ALONE.findall(text)


def _is_state(text: str) -> bool:
    start = text[:2_000]
    is_told = _ASSIGNS_STATE.search(start) or _ASSIGNS_DATA.search(start)
    return "__next_f" in text[:200] or bool(is_told)


def strings_as_page(text: str) -> str:
    """Give the strings of a JSON answer as a page of blocks, empty for no such answer.

    What a site's interface answers holds mark-up, links and escapes in its strings.
    """
    if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return ""
    try:
        strings = list(islice(_strings(json.loads(text)), _MOST_STRINGS))
    except (ValueError, RecursionError):
        return ""
    return "".join(map(_as_block, strings))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _as_block(text: str) -> str:
    if text.startswith(("/", "mailto:", "tel:", "http://", "https://")):
        return f'<a href="{html.escape(text)}"></a>'
    return f"<div>{text}</div>"
