"""Lists of addresses that must not be written to, as other systems export them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from fliptech_site.decoding import decode
from fliptech_site.errors import InvalidInput
from leads.models import Suppression
from leads.suppression import address_hash

#: A list may be as large as this, in bytes: half a million addresses.
MAX_BYTES = 20_000_000
TOO_LARGE = f"The list has more than {MAX_BYTES:,} bytes: cut it into several files."
#: Lines without an address that are shown.
MAX_SHOWN = 5

#: What stands between the cells of a line, whatever wrote it.
_BETWEEN = re.compile(r"[,;\t|\s<>()\[\]\"]+")
#: What spreadsheets put around a text so that it is no formula; no address begins so.
_WRAPPING = "='`"
_AT_ONCE = 5_000

_INSERT = """
INSERT INTO leads_suppression (address_hash, is_erased, reason, created_at)
SELECT hash, false, %s, now() FROM unnest(%s::text[]) AS hash
ON CONFLICT (address_hash) DO NOTHING
"""


class AddressList(NamedTuple):
    """What a text holds; only hashes, which are all that is kept."""

    hashes: list[str]
    #: The beginnings of lines without an address, `MAX_SHOWN` at most, and how many.
    unread: list[str]
    unread_count: int


class Counted(NamedTuple):
    """What a list would bring."""

    new: int
    known: int
    unread: list[str]
    unread_count: int


def read_bytes(content: bytes) -> str:
    """Give the text of an uploaded list. Raises InvalidInput when it is too large."""
    if len(content) > MAX_BYTES:
        raise InvalidInput(TOO_LARGE)
    return decode(None, content)


def read_list(text: str) -> AddressList:
    """Find the addresses of a text: one to a line, CSV with any columns, or a mail's to.

    A first line without any is a header. Each address counts once.
    """
    hashes: dict[str, None] = {}
    unread: list[str] = []
    unread_count = 0
    for number, line in enumerate(text.splitlines()):
        found = list(_hashes_in(line))
        hashes.update(dict.fromkeys(found))
        if not found and line.strip() and (number or "@" in line):
            unread_count += 1
            if len(unread) < MAX_SHOWN:
                unread.append(line.strip()[:80])
    return AddressList(list(hashes), unread, unread_count)


def count_list(text: str) -> Counted:
    """Say what a list would bring, and change nothing."""
    found = read_list(text)
    known = sum(
        Suppression.objects.filter(address_hash__in=chunk).count()
        for chunk in _chunks(found.hashes)
    )
    return Counted(len(found.hashes) - known, known, found.unread, found.unread_count)


def suppress_list(text: str, *, reason: str) -> int:
    """Never write to these addresses again; returns how many were not known before.

    Those that were keep their first reason, so doing it twice changes nothing. Raises
    InvalidInput without a reason.
    """
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise InvalidInput("Say where the list comes from: somebody may ask later.")
    added = 0
    with connection.cursor() as cursor:
        for chunk in _chunks(read_list(text).hashes):
            cursor.execute(_INSERT, [reason, list(chunk)])
            added += cursor.rowcount
    return added


def _hashes_in(line: str) -> Iterable[str]:
    for cell in _BETWEEN.split(line):
        cell = cell.strip(_WRAPPING).removeprefix("mailto:")
        if "@" not in cell or "." not in cell.rpartition("@")[2]:
            continue
        try:
            yield address_hash(cell)
        except InvalidInput:
            continue


def _chunks(hashes: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(hashes), _AT_ONCE):
        yield hashes[start : start + _AT_ONCE]
