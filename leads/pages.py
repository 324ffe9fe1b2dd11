"""Turn the text of a page into a tree, whatever the text is. Pure."""

from __future__ import annotations

import re

import lxml.etree
import lxml.html
from lxml.html import HtmlElement

#: Control characters that lxml refuses and lone surrogates that it can't encode.
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)


def storable(text: str) -> str:
    """Drop what PostgreSQL can't keep in text: NUL and lone surrogates."""
    return _UNREADABLE.sub("", text)


def parse_html(text: str) -> HtmlElement:
    """Parse HTML as leniently as a browser; never raises, an empty page has no body."""
    text = _UNREADABLE.sub(" ", text)
    # lxml refuses text that declares an encoding, because it is decoded already.
    text = _XML_DECLARATION.sub("", text)
    # No limit on depth or text size: the fetch has bounded the bytes.
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        page = lxml.html.document_fromstring(text.encode("utf-8"), parser=parser)
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError):
        page = lxml.html.document_fromstring(b"<html></html>", parser=parser)
    return page


def text_of(element: HtmlElement | None) -> str:
    """Give an element's text on one line, empty for None."""
    if element is None:
        return ""
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def block_text(element: HtmlElement) -> str:
    """Give an element's text on one line, words of neighbouring blocks kept apart."""
    return re.sub(r"\s+", " ", " ".join(element.itertext())).strip()


def first(page: HtmlElement, path: str) -> HtmlElement | None:
    """Give the first element that an XPath finds."""
    found = page.xpath(path)
    return found[0] if found else None


def has_class(name: str) -> str:
    """Give the XPath condition for one token of a class attribute."""
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


def own_address(page: HtmlElement) -> str:
    """Give the address that a page states for itself, empty when it states none."""
    stated = page.xpath(
        "//link[@rel='canonical']/@href | //meta[@property='og:url']/@content"
    )
    return next((link for link in stated if link.startswith(("http:", "https:"))), "")
