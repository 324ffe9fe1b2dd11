"""Turn the text of a page into a tree, whatever the text is. Pure."""

from __future__ import annotations

import re
import threading

import lxml.etree
import lxml.html
from lxml.html import HtmlElement, HTMLParser

from leads.calming import without_giant_tags

#: Control characters that lxml refuses and lone surrogates that it can't encode.
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: The same for encoded text, where a table is read faster than an expression.
_BLANKED = bytes(
    0x20 if code < 0x20 and code not in b"\t\n\r" else code for code in range(256)
)
_NO_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)

_ONE_CLASS = lxml.etree.ElementDefaultClassLookup(
    element=HtmlElement,
    comment=lxml.html.HtmlComment,
    pi=lxml.html.HtmlProcessingInstruction,
    entity=lxml.html.HtmlEntity,
)
_thread = threading.local()


def storable(text: str) -> str:
    """Drop what PostgreSQL can't keep in text: NUL and lone surrogates."""
    return _UNREADABLE.sub("", text)


def parse_html(text: str) -> HtmlElement:
    """Parse HTML as leniently as a browser; never raises, an empty page has no body."""
    # An XML declaration names an encoding, and the text has been decoded already.
    content = _readable(without_giant_tags(_XML_DECLARATION.sub("", text, count=1)))
    parser = _parser()
    try:
        page = lxml.html.document_fromstring(content, parser=parser)
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError):
        page = lxml.html.document_fromstring(b"<html></html>", parser=parser)
    return page


def _parser() -> HTMLParser:
    """Give this thread's parser: a new one reads its first page at a third of the pace."""
    parser = getattr(_thread, "parser", None)
    if parser is None:
        # No limit on depth or text size: the fetch has bounded the bytes.
        parser = _thread.parser = HTMLParser(encoding="utf-8", huge_tree=True)
        # lxml.html asks a Python function for each element's class, for forms' sake.
        parser.set_element_class_lookup(_ONE_CLASS)
    return parser


def _readable(text: str) -> bytes:
    """Encode a text, with a blank for each character that lxml refuses."""
    try:
        content = text.encode()
    except UnicodeEncodeError:
        content = _UNREADABLE.sub(" ", text).encode()
    content = content.translate(_BLANKED)
    for code in _NO_CHARACTERS:
        if code in content:
            content = content.replace(code, b" ")
    return content


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
