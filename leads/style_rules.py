"""What a page's own style sheets do to text: turn it round, hide it, write it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml.html import HtmlElement

#: Characters of a page's style sheets that are looked at.
_LOOKED_AT = 300_000
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_RULE = re.compile(r"([^{}]{1,2000}+)\{([^{}]{0,5000}+)\}")
#: One class or id, alone or of one element: `.rtl`, `span.rtl`, `p #mail`.
_SELECTOR = re.compile(r"(?:^|[\s>+~])[a-z0-9]{0,20}([.#][\w-]{1,100})$", re.IGNORECASE)
_HIDES = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_OVERRIDES = re.compile(r"unicode-bidi\s*:\s*(?:bidi|isolate)-override", re.IGNORECASE)
_RIGHT_TO_LEFT = re.compile(r"direction\s*:\s*rtl", re.IGNORECASE)
_CONTENT = re.compile(r"content\s*:\s*(?:\"([^\"\n]{1,300})\"|'([^'\n]{1,300})')")
_CONTENT_AT = re.compile(
    r"content\s*:\s*([\"'])\s?(?:@|\\0{0,4}40|[(\[]at[)\]])\s?\1", re.IGNORECASE
)
_BESIDE = re.compile(r"::?(?:before|after)\b", re.IGNORECASE)
_CSS_ESCAPE = re.compile(r"\\([0-9a-f]{1,6})\s?", re.IGNORECASE)


@dataclass(frozen=True)
class StyleRules:
    """The classes (`.x`) and ids (`#x`) that style sheets hide or turn round."""

    hidden: frozenset[str] = field(default_factory=frozenset)
    backwards: frozenset[str] = field(default_factory=frozenset)
    #: Those before or behind which they write an "@".
    signs: frozenset[str] = field(default_factory=frozenset)

    def writes_at(self, element: HtmlElement) -> bool:
        """Say whether a style sheet writes an "@" in an element's place."""
        return self._is_in(element, self.signs)

    def hides(self, element: HtmlElement) -> bool:
        """Say whether an element's text is not shown."""
        style = element.get("style")
        return bool(style and _HIDES.search(style)) or self._is_in(element, self.hidden)

    def turns(self, element: HtmlElement) -> bool:
        """Say whether an element's text is shown backwards."""
        style = element.get("style")
        if element.tag == "bdo" or (style and _OVERRIDES.search(style)):
            is_right_to_left = (element.get("dir") or "").lower() == "rtl"
            return is_right_to_left or bool(style and _RIGHT_TO_LEFT.search(style))
        return self._is_in(element, self.backwards)

    def _is_in(self, element: HtmlElement, names: frozenset[str]) -> bool:
        if not names:
            return False
        if (name := element.get("id")) and f"#{name}" in names:
            return True
        classes = (element.get("class") or "").split()
        return any(f".{name}" in names for name in classes)


def read_style_rules(page: HtmlElement) -> StyleRules:
    """Read which classes and ids a page's own style sheets hide or turn round."""
    hidden: set[str] = set()
    backwards: set[str] = set()
    signs: set[str] = set()
    for selectors, declarations in _rules(page):
        if _HIDES.search(declarations):
            hidden.update(_names(selectors))
        if _OVERRIDES.search(declarations) and _RIGHT_TO_LEFT.search(declarations):
            backwards.update(_names(selectors))
        if _CONTENT_AT.search(declarations):
            signs.update(_names(_BESIDE.sub("", selectors)))
    return StyleRules(frozenset(hidden), frozenset(backwards), frozenset(signs))


def written_by_style(page: HtmlElement) -> Iterator[str]:
    """Give the texts that style sheets write into a page (`content: "…"`)."""
    for found in _CONTENT.finditer(_sheets(page)):
        yield _CSS_ESCAPE.sub(_escaped, found[1] or found[2])


def _escaped(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if code < 0x110000 else "\ufffd"


def _rules(page: HtmlElement) -> Iterator[tuple[str, str]]:
    sheets = _COMMENT.sub("", _sheets(page))
    for found in _RULE.finditer(sheets):
        # What holds on small screens or on paper only is no rule for this page.
        if "@" not in found[1]:
            yield found[1], found[2]


def _sheets(page: HtmlElement) -> str:
    return "\n".join(style.text or "" for style in page.xpath("//style"))[:_LOOKED_AT]


def _names(selectors: str) -> Iterator[str]:
    for selector in selectors.split(","):
        if found := _SELECTOR.search(selector.strip()):
            yield found[1]
