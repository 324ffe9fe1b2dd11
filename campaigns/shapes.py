"""Finish a mail by its shape: what all mails have in common is finished once.

A shape is a filled-in template with slots for the mail's own values. Parsing it, making
its text and completing it take two thirds of a mail's time, and all mails of a shape
come out the same but for what stands in the slots. What can't be told from the shape
alone, such as a table whose columns are as wide as its values, is finished by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from html import escape, unescape
from typing import NamedTuple

from lxml.html import HtmlElement

from campaigns.finishing import (
    Finished,
    Footer,
    finish,
    inline_styles,
    is_address,
    parse,
)
from campaigns.slots import SLOT, slot
from campaigns.templating import Rendered
from fliptech_site.errors import InvalidInput

#: The slots of what isn't a value of the template; its own links are l000 and so on.
_TITLE, _TEXT, _STOP, _PIXEL, _TRAP = "t000", "b000", "s000", "p000", "h000"
_MOST_LINKS = 100
_MOST_CHARS = 50_000
#: Elements in which the text around a value depends on it, or a value is no text.
_OPAQUE = """
    iframe math noscript object option pre script select style svg table textarea title
""".split()
#: What Liquid makes of the five characters that it escapes, and of no others.
_OTHER_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|#34|#39);)")
_WEB_ADDRESS = re.compile(r"https?://[!-~]+")
#: An address that is written into HTML as it is.
_SAFE_ADDRESS = re.compile(r"https?://[A-Za-z0-9:/?=._~%+-]+")


class _Places(NamedTuple):
    """Where the values stand, by the keys of their slots."""

    words: list[str]
    #: Those that links lead to.
    targets: list[str]
    #: The words of such links: when they are the address itself, it is said once.
    shown: dict[str, str] | None


class _Shape(NamedTuple):
    """Both finished parts: pieces of text, with the key of a slot between each two."""

    html: list[str]
    text: list[str]
    images: tuple[str, ...]
    places: _Places
    #: Where the template's own links lead.
    links: list[str]


class Tracked(NamedTuple):
    """The addresses by which a mail is tracked and stopped."""

    link_of: Callable[[str], str]
    pixel_url: str
    trap_url: str


def finish_by_shape(
    rendered: Rendered,
    *,
    title: str,
    footer: Footer,
    tracked: Tracked,
    content_ids: Mapping[str, str],
) -> Finished:
    """Complete both parts of a mail as `finishing.finish` does, to the letter.

    Raises InvalidInput where that does.
    """
    shape = _shape_of(
        rendered.slotted,
        bool(rendered.text.strip()),
        replace(footer, unsubscribe_url=slot(_STOP)),
        tuple(content_ids.items()),
    )
    own = {_TITLE: title, _TEXT: rendered.text.rstrip(), _STOP: footer.unsubscribe_url}
    made = None if shape is None else _fill(shape, rendered.values, own, tracked)
    return made or finish(
        rendered.html,
        rendered.text,
        title=title,
        footer=footer,
        link_of=tracked.link_of,
        pixel_url=tracked.pixel_url,
        trap_url=tracked.trap_url,
        content_ids=content_ids,
    )


def _fill(
    shape: _Shape, values: Sequence[str], own: Mapping[str, str], tracked: Tracked
) -> Finished | None:
    """Put a mail's values into its shape; None when one of them would change it."""
    places = shape.places
    words = {key: _unescaped(values[int(key[1:])]) for key in places.words}
    targets = {key: _unescaped(values[int(key[1:])]) for key in places.targets}
    stop_url, link_of = own[_STOP], tracked.link_of
    addresses = {_STOP: stop_url, _PIXEL: tracked.pixel_url, _TRAP: tracked.trap_url}
    for number, url in enumerate(shape.links):
        addresses[f"l{number:03}"] = link_of(url)
    for key, url in targets.items():
        if not _WEB_ADDRESS.fullmatch(url):
            return None
        addresses[key] = url if url == stop_url else link_of(url)
    if (
        not all(map(_is_plain, words.values()))
        or not own[_TITLE].isprintable()
        or not all(map(_SAFE_ADDRESS.fullmatch, addresses.values()))
        or any(
            is_address(shown, targets[key])
            for key, shown in (places.shown or {}).items()
        )
    ):
        return None
    in_html = {key: escape(word, quote=False) for key, word in words.items()}
    in_html |= addresses | {_TITLE: escape(own[_TITLE], quote=False)}
    return Finished(
        _filled(shape.html, in_html),
        _filled(shape.text, {**words, **own, **targets}),
        shape.images,
    )


def _filled(pieces: list[str], values: Mapping[str, str]) -> str:
    made = pieces.copy()
    made[1::2] = [values[key] for key in pieces[1::2]]
    return "".join(made)


def _unescaped(value: str) -> str:
    """Give what a browser would show of a value; with an `&` for what isn't plain."""
    if "<" in value or ">" in value or _OTHER_ENTITY.search(value):
        return "&"
    return unescape(value) if "&" in value else value


def _is_plain(word: str) -> bool:
    """Whether it stands in a text as it is: no blanks that collapse, no entity."""
    return (
        word.isprintable()
        and "&" not in word
        and "  " not in word
        and word[:1] not in ("", " ")
        and word[-1] != " "
    )


@lru_cache(maxsize=128)
def _shape_of(
    slotted: str,
    has_text: bool,
    footer: Footer,
    content_ids: tuple[tuple[str, str], ...],
) -> _Shape | None:
    """Finish a template with slots; None when the values would decide about more."""
    if not slotted or len(slotted) > _MOST_CHARS:
        return None
    links: list[str] = []

    def link_of(url: str) -> str:
        links.append(url)
        return slot(f"l{len(links) - 1:03}")

    try:
        places = _places(parse(inline_styles(slotted)))
        if len(places.words) + len(places.targets) != len(SLOT.findall(slotted)):
            return None
        if places.shown is None or (places.targets and _has_selectors(slotted)):
            return None
        made = finish(
            slotted,
            slot(_TEXT) if has_text else "",
            title=slot(_TITLE),
            footer=footer,
            link_of=link_of,
            pixel_url=slot(_PIXEL),
            trap_url=slot(_TRAP),
            content_ids=dict(content_ids),
        )
    except InvalidInput:  # It is raised again for the mail itself, without slots.
        return None
    if len(links) > _MOST_LINKS:
        return None
    return _Shape(
        SLOT.split(made.html), SLOT.split(made.text), made.images, places, links
    )


def _places(document: HtmlElement) -> _Places:
    """Tell where the slots are: in plain text, or where a link leads."""
    opaque = {
        inside for element in document.iter(*_OPAQUE) for inside in element.iter()
    }
    words: list[str] = []
    for text in document.xpath("//text()"):
        around = text.getparent()
        if text.is_tail:
            around = around.getparent()
        # The text is made with a second look for entities.
        if around not in opaque and "&" not in text:
            words += SLOT.findall(text)
    anchors = [anchor for anchor in document.iter("a") if anchor not in opaque]
    targets = [
        found[1] for anchor in anchors if (found := SLOT.fullmatch(_target(anchor)))
    ]
    return _Places(words, targets, _shown(anchors))


def _shown(anchors: Sequence[HtmlElement]) -> dict[str, str] | None:
    """Give the words that could be the address of the value that their link leads to.

    None when values in the words could be an address themselves.
    """
    shown = {}
    for anchor in anchors:
        words, target = anchor.text_content().strip(), _target(anchor).strip()
        found = SLOT.fullmatch(target)
        # No address has blanks within.
        has_blanks = any(map(str.isspace, SLOT.sub("", words)))
        is_sentence = has_blanks and len(target.split()) == 1
        if SLOT.search(words) and target and not is_sentence:
            return None
        if found and not is_sentence:
            shown[found[1]] = words
    return shown


def _target(anchor: HtmlElement) -> str:
    return str(anchor.get("href", ""))


def _has_selectors(html: str) -> bool:
    """Whether a style sheet could look at where links lead."""
    return "<style" in html.lower() and "[" in html
