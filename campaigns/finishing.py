"""Complete a filled-in template: inlined styles, text part, tracked links, footer. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import NamedTuple
from urllib.parse import unquote

import lxml.html
from css_inline import CSSInliner, InlineError
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml import etree
from lxml.etree import ParserError
from lxml.html import HtmlElement, builder

from campaigns.messages import xml_text
from fliptech_site.errors import InvalidInput

_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
#: The other profile indents each block, which says nothing in a mail.
_TEXT_CONFIG = ParserConfig(css=CSS_PROFILES["strict"], display_images=True)
#: Readable on white and on black alike (4.5:1 and 4.6:1), as mail programs have both.
_FOOTER_STYLE = "margin-top:16px;font:13px/1.5 sans-serif;color:#767676"


@dataclass(frozen=True, slots=True)
class Footer:
    """What stands under every mail: who sent it, from where, and how to stop it."""

    sender: str
    postal_address: str
    unsubscribe_url: str
    #: The account's own words above it; the text is made from the HTML when blank.
    signature_html: str = ""
    signature_text: str = ""

    @property
    def origin(self) -> str:
        """The sender and the postal address, which may begin with the same name."""
        if self.postal_address.startswith(self.sender):
            return self.postal_address
        return f"{self.sender}, {self.postal_address}"


class Finished(NamedTuple):
    """Both texts of a mail, complete, and the stored images that the HTML shows."""

    html: str
    text: str
    images: tuple[str, ...]


def finish(
    html: str,
    text: str = "",
    *,
    title: str,
    footer: Footer,
    link_of: Callable[[str], str] | None = None,
    pixel_url: str = "",
    trap_url: str = "",
    content_ids: Mapping[str, str] | None = None,
) -> Finished:
    """Complete both parts of a mail; a blank `text` is made from the HTML.

    In the HTML go tracked links, signature, footer, the pixel, the hidden link.

    `link_of` gives the address that stands in the HTML for a web link; the unsubscribe
    link and everything that is not http stay as they are. Signature and footer go into
    the elements with these ids, or to the end. `content_ids` are those of stored images
    by name: `cid:logo.png` becomes `cid:…`. Raises InvalidInput for an unknown image
    and for styles that can't be read.
    """
    document = parse(inline_styles(html))
    body = document.find("body")
    assert body is not None
    written = text if text.strip() else _text_of_tree(document)
    images = _name_images(body, content_ids or {})
    if link_of is not None:
        _track(body, link_of, footer.unsubscribe_url)
    _complete_head(document, title)
    _put_under(body, _signature(footer.signature_html), _html_footer(footer))
    if trap_url:
        # No person sees it or can reach it by keys; a scanner follows it with the others.
        hidden = {"aria-hidden": "true", "tabindex": "-1", "style": "display:none"}
        body.append(builder.A(hidden, href=trap_url))
    if pixel_url:
        body.append(builder.IMG(src=pixel_url, width="1", height="1", alt=""))
    made: str = lxml.html.tostring(document, encoding="unicode", method="html")
    return Finished(f"<!doctype html>\n{made}", _finish_text(written, footer), images)


def inline_styles(html: str) -> str:
    """Write style sheets into the elements; media queries and the like stay.

    Nothing is fetched: links to style sheets are dropped. Raises InvalidInput.
    """
    if "<style" not in html.lower() and "<link" not in html.lower():
        return html
    try:
        return _inliner().inline(xml_text(html))
    except InlineError as error:
        raise InvalidInput(f"The style sheet can't be read: {error}.") from None


def parse(html: str) -> HtmlElement:
    """Read HTML as a whole document with a body; nothing at all makes an empty one."""
    try:
        document = lxml.html.document_fromstring(xml_text(html))
    except ParserError:  # Nothing but blanks or comments.
        document = lxml.html.document_fromstring("<p></p>")
    if document.find("body") is None:  # A frameset, say.
        document.append(builder.BODY())
    return document


def text_of(html: str) -> str:
    """Give the text of an HTML body; addresses stand behind the words of a link."""
    return _text_of_tree(parse(html))


@lru_cache(maxsize=1)
def _inliner() -> CSSInliner:
    return CSSInliner(
        load_remote_stylesheets=False,
        keep_style_tags=True,
        keep_at_rules=True,
        remove_inlined_selectors=True,
    )


def _text_of_tree(document: HtmlElement) -> str:
    marked = [(anchor, anchor.tail) for anchor in document.iter("a")]
    for anchor, tail in marked:
        anchor.tail = f"{_shown_target(anchor)}{tail or ''}"
    text = str(Inscriptis(document, _TEXT_CONFIG).get_text())
    for anchor, tail in marked:
        anchor.tail = tail
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return _BLANK_LINES.sub("\n\n", lines).strip("\n")


def _shown_target(anchor: HtmlElement) -> str:
    """Give what stands behind a link's words, unless they are the address itself."""
    target = (anchor.get("href") or "").strip()
    if not target or target.startswith("#"):
        return ""
    if is_address(anchor.text_content().strip(), target):
        return ""
    # inscriptis takes what looks like an entity for one: `&copy=2` would be `©=2`.
    return escape(f" <{target}>", quote=False)


def is_address(words: str, target: str) -> bool:
    """Whether a link's words are the address that it leads to, or nearly."""
    bare = re.sub(r"^(?:https?://|mailto:|tel:)", "", target).rstrip("/")
    return bool(words) and words in (target, bare, f"{bare}/")


def _track(body: HtmlElement, link_of: Callable[[str], str], stop_url: str) -> None:
    for anchor in body.iter("a"):
        target = (anchor.get("href") or "").strip()
        is_web = target.lower().startswith(("http://", "https://"))
        if is_web and target != stop_url:
            anchor.set("href", link_of(target))


def _name_images(body: HtmlElement, content_ids: Mapping[str, str]) -> tuple[str, ...]:
    shown: dict[str, None] = {}
    for image in body.iter("img"):
        source = (image.get("src") or "").strip()
        if not source.lower().startswith("cid:"):
            continue
        name = unquote(source[4:])
        if name not in content_ids:
            raise InvalidInput(
                f"The HTML shows the image {name!r}, which isn't stored with the"
                " template: add it to the files, marked as shown in the HTML."
            )
        image.set("src", f"cid:{content_ids[name]}")
        shown[name] = None
    return tuple(shown)


def _complete_head(document: HtmlElement, title: str) -> None:
    head = document.find("head")
    if head is None:
        head = builder.HEAD()
        document.insert(0, head)
    # Looked for by hand: XPath lets other threads have the interpreter each time.
    metas = head.findall("meta")
    if not any(meta.get("name") == "viewport" for meta in metas):
        head.insert(
            0,
            builder.META(
                name="viewport", content="width=device-width, initial-scale=1"
            ),
        )
    if head.find("title") is None:
        head.insert(0, builder.TITLE(xml_text(title)))
    if not any(meta.get("charset") is not None for meta in metas):
        head.insert(0, builder.META(charset="utf-8"))


def _put_under(
    body: HtmlElement, signature: HtmlElement | None, footer: HtmlElement
) -> None:
    """Put both into the elements with their ids, or to the end."""
    places: dict[str, HtmlElement] = {}
    for element in body.iter(etree.Element):
        places.setdefault(element.get("id", ""), element)
    if signature is not None:
        places.get("signature", body).append(signature)
    places.get("footer", body).append(footer)


@lru_cache(maxsize=64)
def _parsed_signature(html: str) -> HtmlElement:
    made = lxml.html.fragment_fromstring(xml_text(html), create_parent="div")
    made.set("style", "margin-top:24px")
    return made


def _signature(html: str) -> HtmlElement | None:
    return deepcopy(_parsed_signature(html)) if html.strip() else None


def _html_footer(footer: Footer) -> HtmlElement:
    parts: list[object] = [xml_text(footer.origin)]
    if footer.unsubscribe_url:
        parts += [
            builder.BR(),
            "\n",
            builder.A(
                "Stop these mails", href=footer.unsubscribe_url, style="color:inherit"
            ),
        ]
    return builder.DIV(*parts, {"class": "footer"}, style=_FOOTER_STYLE)


def _finish_text(text: str, footer: Footer) -> str:
    pieces = [text.rstrip()]
    if footer.signature_html.strip() or footer.signature_text.strip():
        pieces += ["", _signature_text(footer.signature_html, footer.signature_text)]
    pieces += ["", "-- ", footer.origin]
    if footer.unsubscribe_url:
        pieces.append(f"Stop these mails: {footer.unsubscribe_url}")
    return "\n".join([*pieces, ""])


@lru_cache(maxsize=64)
def _signature_text(html: str, text: str) -> str:
    return text.strip() or text_of(html)
