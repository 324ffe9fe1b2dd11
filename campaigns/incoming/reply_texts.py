"""Cut what a person newly wrote out of quotes and signatures. Pure.

Lines are told apart first: text, empty, quoted, attribution ("On … wrote:"), mark of an
original mail, signature. Then their order decides, since the same line means another thing
above a quote than below one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from campaigns.incoming import quote_marks
from campaigns.incoming.signatures import is_device_line, signature_at

#: Characters and lines of a text that are read.
MAX_TEXT = 500_000
MAX_LINES = 5_000
MAX_OWN_TEXT = 20_000

TEXT, EMPTY, QUOTED, ATTRIBUTION, ORIGINAL, DEVICE = "teqaod"

_QUOTE = re.compile(r"^\s{0,3}(?:>(?!From )|&gt;|\|(?=\s?\S))")
#: "> On …, … wrote:" is quoted as a whole by some programs.
_PREFIX = re.compile(r"^[\s>|]{1,20}")
#: Mailboxes put a sign before a line that begins with From.
_ESCAPED = re.compile(r"^>(?=From )")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad\u202a-\u202e]")
#: What stands for a picture in a text.
_IMAGE = re.compile(
    r"^\s*\[(?:cid:|image:|bild:|imagen?:|immagine:)[^\]]{0,200}\](?:<\S{0,500}>)?\s*$",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*[_\-=*—–]{8,}\s*$")
_ENDING = re.compile(r"^[\s_\-=*—–]*$")


class _Line(NamedTuple):
    kind: str
    text: str


def new_text_of(text: str) -> str:
    """Return the new text of a mail's plain body, "" where there is none."""
    text = _INVISIBLE.sub("", text[:MAX_TEXT]).replace("\r\n", "\n").replace("\r", "\n")
    lines = text.replace("\u00a0", " ").split("\n")[:MAX_LINES]
    kept = _without_quotes(_told_apart([line.rstrip() for line in lines]))
    return _stripped([line.text for line in kept if line.kind != DEVICE])


def own_text_of(text: str) -> str:
    """Return the new text with its signature, where machines say what they are.

    Only the beginning is read: 20,000 characters.
    """
    text = _INVISIBLE.sub("", text[:MAX_OWN_TEXT]).replace("\r\n", "\n")
    lines = [line.rstrip() for line in text.replace("\u00a0", " ").split("\n")]
    kept = _without_quotes(_told_apart(lines, keeps_signature=True))
    return _stripped([line.text for line in kept])


def _told_apart(lines: Sequence[str], *, keeps_signature: bool = False) -> list[_Line]:
    """Give each line its kind; everything from a signature or an original on is left out."""
    told: list[_Line] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        has_text = any(each.kind == TEXT for each in told[-200:])
        if _says_nothing(lines, number, has_text=has_text):
            told.append(_Line(EMPTY, ""))
        elif _QUOTE.match(line):
            told.append(_Line(QUOTED, line))
        elif quote_marks.is_original_mark(line, lines[number + 1 : number + 4]):
            told.append(_Line(ORIGINAL, line))
            break
        elif wrapped := quote_marks.attribution_at(lines, number):
            told.append(_Line(ATTRIBUTION, line))
            number += wrapped - 1
        elif (
            quote_marks.header_block_at(lines, number)
            or quote_marks.is_notes_block_at(lines, number)
            or (_RULE.match(line) and _is_above_block(lines, number))
        ):
            told.append(_Line(ORIGINAL, line))
            break
        elif _is_above_quote(lines, number) and quote_marks.may_head_quote(line):
            told.append(_Line(ATTRIBUTION, line))
        elif not keeps_signature and is_device_line(line):
            told.append(_Line(DEVICE, line))
            if has_text:
                break
        elif has_text and not keeps_signature and signature_at(lines, number):
            break
        elif _is_wrapped_quote(lines, number, told):
            told.append(_Line(QUOTED, f"> {line}"))
        else:
            told.append(_Line(TEXT, _ESCAPED.sub("", line)))
        number += 1
    return told


def _says_nothing(lines: Sequence[str], number: int, *, has_text: bool) -> bool:
    """Say whether a line is empty, a picture's, or what systems put above an answer."""
    line = lines[number]
    if not line.strip() or _IMAGE.match(line):
        return True
    if has_text:
        return False
    if quote_marks.is_above_mark(line) or quote_marks.is_banner(line):
        return True
    above = lines[number - 1] if number else ""
    is_wrapped = line[:1].islower() and quote_marks.is_banner(above)
    is_rule = bool(_RULE.match(line)) and not _is_above_block(lines, number)
    return is_wrapped or is_rule


def _is_above_quote(lines: Sequence[str], number: int) -> bool:
    below = next((line for line in lines[number + 1 : number + 3] if line.strip()), "")
    return bool(_QUOTE.match(below))


def _is_above_block(lines: Sequence[str], number: int) -> bool:
    for following in range(number + 1, min(number + 4, len(lines))):
        if lines[following].strip():
            return bool(quote_marks.header_block_at(lines, following))
    return False


def _is_wrapped_quote(lines: Sequence[str], number: int, told: Sequence[_Line]) -> bool:
    """Say whether a line was wrapped off the quoted line above it."""
    if not told or told[-1].kind != QUOTED or len(told[-1].text) < 60:
        return False
    follows = number + 1 < len(lines) and bool(_QUOTE.match(lines[number + 1]))
    return follows and lines[number][:1].islower()


def _without_quotes(lines: list[_Line]) -> list[_Line]:
    lines = _without_original(lines)
    kinds = "".join(line.kind for line in lines)
    if TEXT not in kinds:
        return []
    # An attribution without quoted lines below it: its program quotes without marks.
    unmarked = re.search(r"a[ed]*t", kinds)
    if unmarked and TEXT in kinds[: unmarked.start()]:
        lines, kinds = lines[: unmarked.start()], kinds[: unmarked.start()]
    end = max(kinds.rfind(TEXT), 0) + 1
    lines, kinds = lines[:end], kinds[:end]
    # All above the text is one quote: the answer stands below it.
    if below := re.match(r"[eqad]*(?=t)", kinds):
        rest = kinds[below.end() :]
        if QUOTED not in rest:
            lines = lines[below.end() :]
    return [line for line in lines if line.kind != ATTRIBUTION]


def _without_original(lines: list[_Line]) -> list[_Line]:
    """Leave out what a mark of an original mail announces, and all below it."""
    if lines and lines[-1].kind == ORIGINAL:
        return lines[:-1]
    return lines


def _stripped(lines: list[str]) -> str:
    while lines and _ENDING.match(lines[-1]):
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    return "\n".join(lines).strip("\n")
