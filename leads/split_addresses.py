"""Put addresses together that line breaks, cells of a table or blocks take apart. Pure.

Only what no reader would take for two things is joined: a line that ends in a sign, one
that is nothing but a sign, one that begins with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: "@" as people write it, spelled out too.
_SIGN = r"(?:@|[(\[{<«]\s?(?:at|@|ät)\s?[)\]}>»])"
_BOX = r"(?<![\w.+@-])[\w.+-]{1,64}"
_DOMAIN = (
    r"[\w-]{1,63}(?:(?:\.|\s?[(\[{]\s?(?:dot|punkt|\.)\s?[)\]}]\s?)[\w-]{1,63}){1,5}"
)
#: Without one of these in a line, or in the one before, nothing is joined.
_HAS_SIGN = re.compile(r"@|[(\[{<«]\s?(?:at|ät)\b", re.IGNORECASE)
_ENDS_IN_SIGN = re.compile(rf"{_BOX}\s?{_SIGN}$", re.IGNORECASE)
_IS_SIGN = re.compile(_SIGN, re.IGNORECASE)
_ENDS_IN_BOX = re.compile(r"(?:^|[\s:>])([a-z0-9][\w.+-]{0,63})$")
_BEGINS_WITH_DOMAIN = re.compile(rf"{_DOMAIN}(?![\w@])", re.IGNORECASE)
_IS_SIGN_AND_DOMAIN = re.compile(rf"{_SIGN}\s?{_DOMAIN}", re.IGNORECASE)
_ENDS_IN_LABEL = re.compile(rf"{_BOX}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,3}}$")
_ENDS_IN_DOT = re.compile(rf"{_BOX}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,3}}\.$")
_BEGINS_WITH_ENDING = re.compile(r"\.[a-z]{2,24}(?:\.[a-z]{2,3})?(?!\w)")
_IS_ENDING = re.compile(r"[a-z]{2,6}(?:\.[a-z]{2,3})?")
#: Above a handle (`@rosas.bakery`) stands whose it is.
_NETWORKS = re.compile(
    r"(?:insta(?:gram)?|ig|facebook|fb|twitter|x|tiktok|telegram|threads|youtube|mastodon"
    r"|snapchat|bluesky|pinterest|follow|us|me|on|find|tag|e-?mail|mail|web|contact|handle"
    r"|\d+)$",
    re.IGNORECASE,
)
#: Characters of a line's end or beginning that are looked at.
_LOOKED_AT = 160


def across_lines(lines: Iterable[list[str]]) -> Iterator[str]:
    """Give the texts in which neighbouring lines make an address together."""
    before, sign, had_sign = "", "", False
    for pieces in lines:
        whole = "".join(pieces)
        if not whole or whole.isspace():
            continue
        has_sign = _HAS_SIGN.search(whole) is not None
        if has_sign or had_sign or sign:
            line = re.sub(r"\s+", " ", whole).strip()
            end = re.sub(r"\s+", " ", before).strip()[-_LOOKED_AT:]
            start = line[:_LOOKED_AT]
            if sign and _ENDS_IN_BOX.search(end) and _BEGINS_WITH_DOMAIN.match(start):
                yield f"{end}@{start}"
            elif not sign and (joined := _joined(end, start)):
                yield joined
            if _IS_SIGN.fullmatch(line):
                sign = line
                continue
        before, sign, had_sign = whole, "", has_sign


def _joined(end: str, start: str) -> str:
    """Give two lines as one where only together they make an address."""
    if _ENDS_IN_SIGN.search(end) and _BEGINS_WITH_DOMAIN.match(start):
        return end + start
    if _ENDS_IN_LABEL.search(end) and _BEGINS_WITH_ENDING.match(start):
        return end + start
    if _ENDS_IN_DOT.search(end) and _IS_ENDING.fullmatch(start):
        return end + start
    box = _ENDS_IN_BOX.search(end)
    if box and _IS_SIGN_AND_DOMAIN.fullmatch(start) and not _NETWORKS.match(box[1]):
        # One word, or a label and one: "and see us" is no mailbox.
        is_short = len(re.findall(r"\S+", end)) <= 2
        return end + start if is_short else ""
    return ""
