"""Decode character references, and those that no number holds. Pure."""

from __future__ import annotations

import html
import re

#: Python refuses to make a number of thousands of digits; no character has nine.
_BEYOND_MEASURE = re.compile(r"&#[0-9]{9,}+;?")


def unescape(text: str) -> str:
    """Decode references as browsers do; what stands for no character is U+FFFD."""
    if "&#" in text:
        text = _BEYOND_MEASURE.sub("\ufffd", text)
    return html.unescape(text)
