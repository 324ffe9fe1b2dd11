"""Find the Liquid in a text, in one linear pass that refuses what is never closed. Pure.

The library's own expressions look to the end of the text for each opening that has no
end, and try all splits of a run of blanks; nothing that this lets through does that.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fliptech_site.errors import InvalidInput

#: One `{{ … }}` or `{% … %}`; nobody writes longer ones by hand.
MAX_TAG_CHARS = 1000
#: Fields and tags of one text: bounds the time of parsing it.
MAX_TAGS = 2000
_OPENING = re.compile(r"\{[{%]")
_NAME = re.compile(r"\{%-?\s*(\w*)")
_BLANKS = re.compile(r"\s{50}")
#: What stands inside these is no Liquid.
_VERBATIM = {
    name: re.compile(rf"\{{%-?\s{{0,50}}end{name}\s{{0,50}}-?%\}}")
    for name in ("raw", "comment", "doc")
}


class LiquidTag(NamedTuple):
    """One `{{ … }}`, with a blank name, or `{% name … %}`; `raw` spans its contents."""

    start: int
    end: int
    name: str


def find_tags(text: str) -> list[LiquidTag]:
    """Give every field and tag in order. Raises InvalidInput with the line."""
    tags: list[LiquidTag] = []
    position = 0
    while opening := _OPENING.search(text, position):
        tag = _tag_at(text, opening.start())
        tags.append(tag)
        if len(tags) > MAX_TAGS:
            raise InvalidInput(f"more than {MAX_TAGS:,} fields and tags; use fewer")
        position = tag.end
    return tags


def line_of(text: str, position: int) -> int:
    """Give the number of the line, from 1."""
    return text.count("\n", 0, position) + 1


def _tag_at(text: str, start: int) -> LiquidTag:
    mark = text[start : start + 2]
    closing = "}}" if mark == "{{" else "%}"
    inner_end = text.find(closing, start + 2)
    if inner_end < 0:
        raise InvalidInput(
            f"line {line_of(text, start)}: {mark!r} is never closed; write {closing!r}"
        )
    end = inner_end + 2
    inside = text[start:end]
    if len(inside) > MAX_TAG_CHARS or _BLANKS.search(inside):
        raise InvalidInput(
            f"line {line_of(text, start)}: the Liquid that begins with {mark!r} is"
            f" longer than {MAX_TAG_CHARS:,} characters or holds 50 blanks in a row;"
            " shorten it"
        )
    if mark == "{{":
        return LiquidTag(start, end, "")
    found = _NAME.match(inside)
    name = found[1] if found else ""
    if name in _VERBATIM:
        last = _VERBATIM[name].search(text, end)
        if last is None:
            raise InvalidInput(
                f"line {line_of(text, start)}: {name!r} is never closed; write"
                f" {{% end{name} %}}"
            )
        end = last.end()
    return LiquidTag(start, end, name)
