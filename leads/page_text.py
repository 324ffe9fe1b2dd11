"""Give the text of a page as a reader sees it: words apart, parts of words together. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree
from lxml.html import HtmlElement

from leads.style_rules import StyleRules

#: Elements that stand inside a line; every other one begins and ends a line.
_INLINE = frozenset(
    """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd
    label mark nobr q rp rt ruby s samp small span strike strong sub sup time
    tt u var wbr
    """.split()
)
_NEVER_SHOWN = frozenset({"script", "style", "template", "head", "svg", "object"})
_NO_RULES = StyleRules()
#: Pictures that stand for a sign, as their other text says.
_SIGN = re.compile(r"\s?(?:@|\.|[(\[{]\s?(?:@|at|dot)\s?[)\]}])\s?", re.IGNORECASE)
#: The same by the file's name alone.
_NAMED_AT = re.compile(
    r"(?:^|[/_-])(?:at|at-?sign|arroba|klammeraffe)\.(?:gif|png|svg|jpe?g|webp)$",
    re.IGNORECASE,
)
#: Classes of icons and the like.
_AT_CLASSES = frozenset(
    "at fa-at icon-at bi-at at-sign at-symbol mdi-at ti-at glyphicon-at".split()
)


class Steps:
    """How many nodes may still be walked, together by all who share this."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self) -> bool:
        """Take one step; false when there is none left."""
        self.left -= 1
        return self.left >= 0


def lines_of(
    root: HtmlElement,
    *,
    steps: Steps | None = None,
    rules: StyleRules = _NO_RULES,
) -> Iterator[list[str]]:
    """Give the lines of a page, each as its pieces of text in order.

    A piece is the text of one node: `of<b>fice</b>` is one line of two pieces. What is
    hidden is left out, what runs backwards is turned round, by the elements' own styles
    and by the `rules` of style sheets. `steps` bound the walk.
    """
    line: list[str] = []
    skipped: HtmlElement | None = None
    for event, element in etree.iterwalk(
        root, events=("start", "end", "comment", "pi")
    ):
        if steps is not None and not steps.take():
            break
        if event in ("comment", "pi"):
            is_over = skipped is None
        elif event == "start":
            if skipped is not None:
                continue
            if not _is_inline(element) and line:
                yield line
                line = []
            if _is_hidden(element, rules):
                skipped = element
            elif element.text:
                is_turned = rules.turns(element)
                line.append(element.text[::-1] if is_turned else element.text)
            elif element.tag == "img":
                line.append(_sign_of(element))
            elif line and _stands_for_at(element, line[-1], rules):
                line.append("@")
            continue
        else:
            if skipped is element:
                skipped = None
            is_over = skipped is None
            if is_over and not _is_inline(element) and line:
                yield line
                line = []
        if is_over and element is not root and element.tail:
            line.append(element.tail)
    if line:
        yield line


def flow_text(root: HtmlElement, *, steps: Steps | None = None) -> str:
    """Give the text of an element on one line, words of neighbouring blocks apart."""
    whole = " ".join("".join(line) for line in lines_of(root, steps=steps))
    return re.sub(r"\s+", " ", whole).strip()


def _is_inline(element: HtmlElement) -> bool:
    return element.tag in _INLINE or (element.tag == "img" and bool(_sign_of(element)))


def _sign_of(picture: HtmlElement) -> str:
    """Give the sign that a picture stands for: `<img alt="@">`."""
    text = picture.get("alt") or ""
    if _SIGN.fullmatch(text):
        return text
    is_named = _NAMED_AT.search(picture.get("src") or "")
    is_told = text.strip().lower() == "at" or (is_named and not text.strip())
    return "@" if is_told and _is_between_words(picture) else ""


def _is_between_words(element: HtmlElement) -> bool:
    """Say whether an element stands right between the letters of a word."""
    before, after = element.getprevious(), element.tail or ""
    parent = element.getparent()
    told = (
        before.tail if before is not None else parent.text if parent is not None else ""
    )
    return bool(re.search(r"\w$", told or "") and re.match(r"\w", after))


def _stands_for_at(element: HtmlElement, before: str, rules: StyleRules) -> bool:
    """Say whether an empty element shows an "@" between the letters of a word."""
    if len(element) or element.tag not in ("i", "span", "b", "em"):
        return False
    if not (re.search(r"\w$", before) and re.match(r"\w", element.tail or "")):
        return False
    names = set((element.get("class") or "").lower().split())
    return bool(names & _AT_CLASSES) or rules.writes_at(element)


def _is_hidden(element: HtmlElement, rules: StyleRules) -> bool:
    if element.tag in _NEVER_SHOWN or element.get("hidden") is not None:
        return True
    # Blocks that a style sheet hides are shown at a click: menus, answers, dialogs.
    return (rules if _is_inline(element) else _NO_RULES).hides(element)
