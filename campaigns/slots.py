"""Slots: where a mail's own values stand in a template that is filled in without them. Pure.

All mails for which a template takes the same turns have the same text around their slots.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

#: Values of one mail that get a slot; what comes after them is written out.
MOST_SLOTS = 200

# Drawn anew by each process: no value and no template can hold a slot of its own.
_MARK = f"q{secrets.token_hex(6)}"
#: A slot in a text; its group is the key.
SLOT = re.compile(rf"{_MARK}([a-z]\d{{3}})q")
SLOT_CHARS = len(_MARK) + 5

_kept: ContextVar[list[str] | None] = ContextVar("kept_values", default=None)


def slot(key: str) -> str:
    """Give the slot of a key: a letter and three digits."""
    return f"{_MARK}{key}q"


@contextmanager
def open_slots() -> Iterator[list[str]]:
    """Keep the values that are written within, in the order of their slots."""
    values: list[str] = []
    before = _kept.set(values)
    try:
        yield values
    finally:
        _kept.reset(before)


def written(value: str) -> str:
    """Give what to write for a value: a slot, while they are open, or the value.

    Nothing has no slot: whether anything stands there decides about the text around it.
    """
    values = _kept.get()
    if values is None or not value or len(values) >= MOST_SLOTS:
        return value
    values.append(str(value))  # Markup would escape what is compared with it.
    return slot(f"v{len(values) - 1:03}")


def without_slots(text: str, values: Sequence[str] | None = None) -> str:
    """Put the values into their slots; without any, those that are being kept."""
    known = _kept.get() if values is None else values
    if not known:
        return text
    return SLOT.sub(lambda found: known[int(found[1][1:])], text)
