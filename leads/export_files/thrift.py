"""Encode Thrift's compact protocol, as much of it as Parquet's headers use. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class I32:
    """A 32 bit number, or an enumeration's."""

    value: int


@dataclass(frozen=True)
class I64:
    """A 64 bit number."""

    value: int


@dataclass(frozen=True)
class Bool:
    """Yes or no, as the field of a struct."""

    value: bool


@dataclass(frozen=True)
class Binary:
    """Bytes, or a text as UTF-8."""

    value: bytes


@dataclass(frozen=True)
class Listing:
    """Values of one kind; never empty where its kind matters."""

    values: Sequence[object]


@dataclass(frozen=True)
class Struct:
    """Field number -> value, ascending."""

    fields: Mapping[int, object]


def encode(value: object) -> bytes:
    """Encode a value without its type, as it stands behind a field's header."""
    match value:
        case I32(number) | I64(number):
            return varint(number << 1 ^ number >> 63)
        case Binary(data):
            return varint(len(data)) + data
        case Listing(values):
            return _listing(values)
        case Struct(fields):
            return _struct(fields)
    raise TypeError(f"{value!r} has no place in Thrift's compact protocol.")


def _struct(fields: Mapping[int, object]) -> bytes:
    out, last = bytearray(), 0
    for number, value in fields.items():
        # Field numbers are written as the step from the one before; all are small.
        out.append((number - last) << 4 | _kind(value))
        if not isinstance(value, Bool):
            out += encode(value)
        last = number
    out.append(0)
    return bytes(out)


def _listing(values: Sequence[object]) -> bytes:
    kind = _kind(values[0]) if values else _kind(Struct({}))
    if len(values) < 15:
        head = bytes([len(values) << 4 | kind])
    else:
        head = bytes([0xF0 | kind]) + varint(len(values))
    return head + b"".join(encode(value) for value in values)


def _kind(value: object) -> int:
    match value:
        case Bool(is_true):
            return 1 if is_true else 2
        case I32():
            return 5
        case I64():
            return 6
        case Binary():
            return 8
        case Listing():
            return 9
    return 12


def varint(number: int) -> bytes:
    """Encode a number that is not negative, seven bits a byte, the lowest first."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
