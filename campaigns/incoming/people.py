"""Tell what people do and machines don't: they quote us, ask, and take up an offer. Pure.

It weighs against words of absence and thanks alone, never against a machine's own mark.
"""

from __future__ import annotations

import re

from campaigns.incoming.phrases import read_phrases

_PHRASES = read_phrases("people")
_REACTION = re.compile(_PHRASES["reaction"], re.IGNORECASE)
_SOMEBODY_ELSE = re.compile(_PHRASES["somebody_else"], re.IGNORECASE)
#: Words that have to be missing from the new text before something counts as quoted.
_QUOTED_WORDS = 8
#: Characters before a word of absence in which its subject is looked for.
_BEFORE = 40
_END_OF_SENTENCE = re.compile(r"[.!?？。！\n]")


def quotes_mail(text: str, own_text: str) -> bool:
    """Whether a mail holds another one below or between; `own_text` is without it."""
    return len(text.split()) - len(own_text.split()) >= _QUOTED_WORDS


def takes_up_offer(new_text: str) -> bool:
    """Whether somebody says yes or no, asks for the price, or tells what they saw."""
    return bool(_REACTION.search(new_text))


def is_asked(text: str, found: re.Match[str]) -> bool:
    """Whether words stand in a question: "Is this an automatic message?"."""
    # A match may end with the mark itself.
    end = _END_OF_SENTENCE.search(text, max(found.end() - 1, 0))
    return end is not None and end[0] in "?？"


def is_of_somebody_else(text: str, start: int) -> bool:
    """Whether the absence that begins here is that of a "she" or "he"."""
    return bool(_SOMEBODY_ELSE.search(text[max(start - _BEFORE, 0) : start]))
