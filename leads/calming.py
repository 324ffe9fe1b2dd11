"""Take out of a page what a parser would need far too long for. Pure.

libxml2 compares each attribute of a tag with all before it: a tag of 200,000 takes a
minute. Real tags have some dozens; what a tag has beyond a bound is left out.
"""

from __future__ import annotations

import re

#: Characters from which a page is looked at: a full list of 360 rows stays below, and
#: what is shorter can't take more than two or three seconds.
_LOOKED_AT = 160 * 1024
_MAX_ATTRIBUTES = 500
_ATTRIBUTE = (
    r"(?:[\s/]*+[^\s/>][^\s/>=]*+"
    r"""(?:\s*+=\s*+(?:"[^"]*+"?|'[^']*+'?|[^\s>]*+))?+)"""
)
_FEW = rf"(?:{_ATTRIBUTE}){{0,{_MAX_ATTRIBUTES}}}+"
_RAW = r"(?i:script|style)"
#: As much of a page as has only tags of few attributes. What stands inside scripts and
#: styles are no tags. Possessive throughout: nothing is read twice.
_CALM = re.compile(
    rf"(?:[^<]++|<(?![a-zA-Z])"
    rf"|<{_RAW}(?=[\s/>]){_FEW}(?!{_ATTRIBUTE})(?:[^<]++|<(?!/{_RAW}))*+"
    rf"|<(?!{_RAW}[\s/>])[a-zA-Z][^\s/>]*+{_FEW}(?!{_ATTRIBUTE}))*+"
)
_GIANT_TAG = re.compile(rf"<[a-zA-Z][^\s/>]*+{_FEW}")
_SURPLUS = re.compile(rf"(?:{_ATTRIBUTE})++")


def without_giant_tags(text: str) -> str:
    """Give a page whose tags have at most some hundreds of attributes."""
    if len(text) < _LOOKED_AT:
        return text
    kept: list[str] = []
    at = 0
    while at < len(text):
        end = _CALM.match(text, at).end()  # type: ignore[union-attr]
        giant = _GIANT_TAG.match(text, end)
        surplus = _SURPLUS.match(text, giant.end()) if giant else None
        if giant is None or surplus is None:
            kept.append(text[at:])
            break
        kept.append(text[at : giant.end()])
        at = surplus.end()
    return "".join(kept)
