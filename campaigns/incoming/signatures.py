"""Recognise where a signature begins. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from campaigns.incoming.phrases import read_phrases

#: The longest signature that is believed where its mark is used for much else.
_MAX_LINES = 9
_MAX_WIDTH = 90

#: RFC 3676's mark, also without its space, and what people make of it.
_MARK = re.compile(r"^\s{0,3}(?:-- ?|__|—|––)\s*$")
_LOOSE_MARK = re.compile(
    r"^\s{0,3}(?:-{3,}|_{3,}|={3,}|\+{2,}|\*{3,}|[—–]{2,}|~{2,}|#{3,}|-{2,}\s?-{2,})\s*$"
)
_PHRASES = read_phrases("signatures")
_DEVICE = re.compile(rf"^\W{{0,4}}(?:{_PHRASES['device']}).{{0,110}}$", re.IGNORECASE)
#: "Sent from my phone. Please excuse typos." is one of these, though two sentences.
_EXCUSE = re.compile(_PHRASES["excuse"], re.IGNORECASE)
_MACHINE = re.compile(_PHRASES["machine"], re.IGNORECASE)
_SENTENCE = re.compile(
    r"[.,!?;] |[.!?]$| (?:is|are|was|were|will|you|we|much|because) "
)
_DISCLAIMER = re.compile(rf"^[\W_]{{0,6}}(?:{_PHRASES['disclaimer']})", re.IGNORECASE)
_CLOSING = re.compile(
    rf"^\s{{0,4}}(?:{_PHRASES['closing']})\s*[,.!！，]{{0,2}}\s*$", re.IGNORECASE
)


def is_device_line(line: str) -> bool:
    """Say whether a line is what a phone adds, such as "Sent from my iPhone"."""
    line = line.strip()
    if len(line) > 160 or not _DEVICE.match(line):
        return False
    if _EXCUSE.search(line):
        return True
    # A link may follow the words: Get Outlook for iOS<https://…>
    words = re.sub(r"[<(\[]?https?://\S+", "", line).strip().rstrip(".")
    before, comma, after = words.partition(", ")
    if comma and _MACHINE.search(after):
        # "Sent from my Verizon, Samsung Galaxy smartphone" is no sentence either.
        words = f"{before} {after}"
    return len(words.split()) <= 10 and not _SENTENCE.search(words)


def signature_at(lines: Sequence[str], number: int) -> bool:
    """Say whether the rest from here on is a signature, or what a company adds to it."""
    line = lines[number]
    if _DISCLAIMER.match(line[:300]):
        return True
    if len(line) > 120:
        return False
    if _MARK.match(line):
        return True
    if _LOOSE_MARK.match(line):
        return _looks_like_signature(lines[number + 1 :])
    if _CLOSING.match(line):
        rest = _said(lines[number + 1 : number + 30])
        # A name below it belongs to the answer; a name with a position or a number does not.
        return len(rest) >= 2 and _looks_like_signature(lines[number + 1 :])
    return False


def _said(lines: Sequence[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()]


def _looks_like_signature(lines: Sequence[str]) -> bool:
    rest = _said(lines[:60])
    if len(rest) > _MAX_LINES or any(_LOOSE_MARK.match(line) for line in rest):
        return False
    return not any(
        len(line) > _MAX_WIDTH
        or (len(line.split()) > 6 and line.endswith((".", "?", "!")))
        for line in rest
    )
