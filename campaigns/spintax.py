r"""Spintax: `{Hi|Hello|{Good day|Dear neighbours}}` becomes one of its options. Pure.

Only braces around a `|` are spintax, so JSON and CSS stay as they are; in HTML, tags,
comments, styles and scripts are never looked into. `\{`, `\|` and `\}` are the characters
themselves. Options may hold Liquid. A text is rewritten once into tags that the sandbox
knows, so what a field brings along is never taken for spintax.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from campaigns.liquid_tags import LiquidTag, find_tags, line_of
from fliptech_site.errors import InvalidInput

#: Liquid tags that hold others; an option has to hold them whole.
_BLOCKS = frozenset(("if", "unless", "for", "case", "capture"))
_MARKS = re.compile(r"\\[{|}]|[{|}<]")
_TAG_BEGINS = re.compile(r"<(?:!--|([a-zA-Z][a-zA-Z0-9]*)|[/!?])")
#: Elements whose contents are no text for people.
_OPAQUE = frozenset(("style", "script"))
_HTML_TAG = re.compile(r"<[^>]*>")


class Spun(NamedTuple):
    """A text with its spintax rewritten as tags, and the lines of lonely braces."""

    source: str
    lonely: list[int]


def rewrite(text: str, *, is_html: bool) -> Spun:
    """Rewrite spintax into `{% spin key %}a{% or %}b{% endspin %}`.

    The key depends on what stands between the braces, not on where, so that the same
    spintax in the HTML and in the text becomes the same words. Raises InvalidInput
    with the line for spintax that is not closed or that cuts a Liquid block.
    """
    tags = find_tags(text)
    if not set("{}\\") & set(_without(text, tags)):
        return Spun(text, [])
    return _Rewriting(text, is_html=is_html, tags=tags).run()


def choose(key: str, seed: bytes, options: int) -> int:
    """Give which option stands for a seed: the same one on every machine, for ever."""
    digest = blake2b(key.encode(), key=seed[:64], digest_size=8).digest()
    return int.from_bytes(digest, "big") % options


def seed_for(*parts: object) -> bytes:
    """Give the seed of one recipient's mail from what names it."""
    return blake2b(repr(parts).encode(), digest_size=16).digest()


@dataclass(slots=True)
class _Group:
    """A brace that is open: where, inside how many blocks, its options so far."""

    start: int
    depth: int
    options: list[list[str]] = field(default_factory=lambda: [[]])
    #: A bar stands inside another block than the brace.
    has_other_bar: bool = False


class _Rewriting:
    def __init__(self, text: str, *, is_html: bool, tags: list[LiquidTag]) -> None:
        self._text = text
        self._is_html = is_html
        self._tags = {tag.start: tag for tag in tags}
        self._starts = [*(tag.start for tag in tags), len(text)]
        self._next_tag = 0
        self._depth = 0
        self._groups: list[_Group] = []
        self._out: list[str] = []
        self._lonely: list[int] = []

    def run(self) -> Spun:
        position = 0
        while position < len(self._text):
            position = self._step(position)
        for group in self._groups[::-1]:
            self._leave_open(group)
        return Spun("".join(self._out), sorted(self._lonely))

    def _step(self, position: int) -> int:
        """Deal with the text up to the next mark, and with the mark; give its end."""
        while self._starts[self._next_tag] < position:
            self._next_tag += 1
        liquid = self._starts[self._next_tag]
        mark = _MARKS.search(self._text, position, liquid)
        self._add(self._text[position : mark.start() if mark else liquid])
        if mark is None:
            return self._liquid(liquid)
        found, start = mark[0], mark.start()
        if found[0] == "\\":
            self._add(_literal(found[1]))
        elif found == "{":
            self._groups.append(_Group(start, self._depth))
        elif found == "|":
            self._separate()
        elif found == "}":
            self._close(mark.end())
        else:
            end = self._end_of_html_tag(start) if self._is_html else mark.end()
            self._add(self._text[start:end])
            return end
        return mark.end()

    def _liquid(self, start: int) -> int:
        if start == len(self._text):
            return start
        tag = self._tags[start]
        if tag.name in _BLOCKS:
            self._depth += 1
        elif tag.name.removeprefix("end") in _BLOCKS:
            self._depth -= 1
        self._add(self._text[start : tag.end])
        return tag.end

    def _add(self, text: str) -> None:
        (self._groups[-1].options[-1] if self._groups else self._out).append(text)

    def _separate(self) -> None:
        group = self._groups[-1] if self._groups else None
        if group and group.depth == self._depth:
            group.options.append([])
            return
        if group:
            group.has_other_bar = True
        self._add("|")

    def _close(self, end: int) -> None:
        if not self._groups:
            self._lonely.append(line_of(self._text, end))
            self._add("}")
            return
        group = self._groups.pop()
        options = ["".join(option) for option in group.options]
        is_cut = group.depth != self._depth and group.has_other_bar
        if len(options) == 1 and not is_cut:
            self._add(f"{_literal('{')}{options[0]}}}")
            return
        if group.depth != self._depth:
            raise InvalidInput(
                f"line {line_of(self._text, group.start)}: the options between '{{' and"
                " '}' hold a piece of a Liquid block; put all of it into one option"
            )
        key = _key(self._text[group.start : end])
        self._add(f"{{% spin {key} %}}{'{% or %}'.join(options)}{{% endspin %}}")

    def _leave_open(self, group: _Group) -> None:
        line = line_of(self._text, group.start)
        if len(group.options) > 1:
            raise InvalidInput(
                f"line {line}: '{{' begins options that are never closed; write '}}', or"
                r" '\{' for the brace itself"
            )
        self._lonely.append(line)
        self._groups.pop()
        self._add(_literal("{") + "".join(group.options[0]))

    def _end_of_html_tag(self, start: int) -> int:
        """Give where a tag, a comment, a style or a script ends; its Liquid is skipped."""
        begins = _TAG_BEGINS.match(self._text, start)
        if begins is None:
            return start + 1
        if begins[0] == "<!--":
            return self._after("-->", start)
        end = self._after(">", start)
        name = (begins[1] or "").lower()
        if name in _OPAQUE:
            closing = re.compile(rf"</{name}\s*>", re.IGNORECASE)
            found = closing.search(self._text, end)
            return found.end() if found else len(self._text)
        return end

    def _after(self, closing: str, position: int) -> int:
        while (end := self._text.find(closing, position)) >= 0:
            while self._starts[self._next_tag] < position:
                self._next_tag += 1
            liquid = self._tags.get(self._starts[self._next_tag])
            if liquid is None or end < liquid.start:
                return end + len(closing)
            position = liquid.end
        return len(self._text)


def _key(group: str) -> str:
    words = " ".join(_HTML_TAG.sub(" ", group).split())
    return f"k{blake2b(words.encode(errors='replace'), digest_size=8).hexdigest()}"


def _literal(character: str) -> str:
    # As a value of Liquid's, since a brace beside another one would begin a tag.
    return f"{{{{ '{character}' }}}}"


def _without(text: str, tags: list[LiquidTag]) -> str:
    kept, position = [], 0
    for tag in tags:
        kept.append(text[position : tag.start])
        position = tag.end
    return "".join([*kept, text[position:]])
