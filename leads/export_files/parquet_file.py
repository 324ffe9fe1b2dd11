"""Write Parquet, the part of it that a table of leads needs.

Written by hand because the libraries that do it weigh more than the whole product
(pyarrow unpacks to over 100 MB). One data page per column and row group, plain
encoding, gzip. Format: github.com/apache/parquet-format, `parquet.thrift`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leads.export_files.base import Column, Type, Writer
from leads.export_files.thrift import (
    I32,
    I64,
    Binary,
    Bool,
    Listing,
    Struct,
    encode,
    varint,
)

_MAGIC = b"PAR1"
#: Rows that are held until they are written together.
_GROUP_ROWS = 5_000
#: Numbers of parquet.thrift.
_INT64, _DOUBLE, _BYTE_ARRAY = 2, 5, 6
_PLAIN, _RLE, _GZIP, _OPTIONAL, _DATA_PAGE = 0, 3, 2, 1, 0
_UTF8, _TIMESTAMP_MICROS = 0, 10
_PHYSICAL = {
    Type.TEXT: _BYTE_ARRAY,
    Type.INTEGER: _INT64,
    Type.NUMBER: _DOUBLE,
    Type.TIME: _INT64,
}


@dataclass(frozen=True)
class _Chunk:
    """Where one column of one row group stands."""

    column: Column
    values: int
    offset: int
    size: int
    unpacked: int


class ParquetWriter(Writer):
    """Row groups of 5,000; every column may be null."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        super().__init__(path, columns)
        self._stream = path.open("wb")
        self._stream.write(_MAGIC)
        self._rows: list[Sequence[object]] = []
        self._groups: list[list[_Chunk]] = []

    def write(self, row: Sequence[object]) -> None:
        """Write one row."""
        self._rows.append(row)
        if len(self._rows) >= _GROUP_ROWS:
            self._write_group()

    def close(self) -> None:
        """Write the last group and the footer."""
        if self._rows:
            self._write_group()
        footer = encode(self._footer())
        self._stream.write(footer + struct.pack("<I", len(footer)) + _MAGIC)
        self._stream.close()

    def abandon(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def _write_group(self) -> None:
        cells = list(zip(*self._rows, strict=True))
        self._groups.append(
            [
                self._write_chunk(column, values)
                for column, values in zip(self.columns, cells, strict=True)
            ]
        )
        self._rows = []

    def _write_chunk(self, column: Column, cells: Sequence[object]) -> _Chunk:
        levels = _bits([cell is not None for cell in cells])
        values = b"".join(_plain(column.type, cells))
        page = struct.pack("<I", len(levels)) + levels + values
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        packed = packer.compress(page) + packer.flush()
        header = encode(_page_header(len(cells), len(page), len(packed)))
        offset = self._stream.tell()
        self._stream.write(header + packed)
        return _Chunk(
            column,
            values=len(cells),
            offset=offset,
            size=len(header) + len(packed),
            unpacked=len(header) + len(page),
        )

    def _footer(self) -> Struct:
        rows = sum(group[0].values for group in self._groups)
        root = Struct({4: Binary(b"leads"), 5: I32(len(self.columns))})
        schema = [root, *(_schema_element(column) for column in self.columns)]
        return Struct(
            {
                1: I32(1),
                2: Listing(schema),
                3: I64(rows),
                4: Listing([_row_group(group) for group in self._groups]),
                6: Binary(b"fliptech-pro"),
            }
        )


def _plain(kind: Type, cells: Sequence[object]) -> Iterator[bytes]:
    """Encode the values that are there."""
    for cell in cells:
        if cell is None:
            continue
        if isinstance(cell, datetime):
            yield struct.pack("<q", int(cell.timestamp() * 1_000_000))
        elif kind == Type.INTEGER:
            yield struct.pack("<q", int(str(cell)))
        elif kind == Type.NUMBER:
            yield struct.pack("<d", float(str(cell)))
        else:
            data = str(cell).encode("utf-8", "replace")
            yield struct.pack("<I", len(data)) + data


def _bits(levels: Sequence[bool]) -> bytes:
    """Encode definition levels of one bit as one bit-packed run of the RLE hybrid."""
    groups = -(-len(levels) // 8)
    packed = bytearray(groups)
    for place, level in enumerate(levels):
        packed[place // 8] |= level << (place % 8)
    return varint(groups << 1 | 1) + bytes(packed)


def _page_header(values: int, unpacked: int, packed: int) -> Struct:
    data = Struct({1: I32(values), 2: I32(_PLAIN), 3: I32(_RLE), 4: I32(_RLE)})
    return Struct({1: I32(_DATA_PAGE), 2: I32(unpacked), 3: I32(packed), 5: data})


def _schema_element(column: Column) -> Struct:
    fields: dict[int, object] = {
        1: I32(_PHYSICAL[column.type]),
        3: I32(_OPTIONAL),
        4: Binary(column.name.encode()),
    }
    if column.type == Type.TEXT:
        fields[6] = I32(_UTF8)
        fields[10] = Struct({1: Struct({})})
    if column.type == Type.TIME:
        fields[6] = I32(_TIMESTAMP_MICROS)
        micros = Struct({2: Struct({})})
        fields[10] = Struct({8: Struct({1: Bool(True), 2: micros})})
    return Struct(fields)


def _row_group(group: Sequence[_Chunk]) -> Struct:
    chunks = [_column_chunk(chunk) for chunk in group]
    size = sum(chunk.unpacked for chunk in group)
    return Struct({1: Listing(chunks), 2: I64(size), 3: I64(group[0].values)})


def _column_chunk(chunk: _Chunk) -> Struct:
    meta = Struct(
        {
            1: I32(_PHYSICAL[chunk.column.type]),
            2: Listing([I32(_PLAIN), I32(_RLE)]),
            3: Listing([Binary(chunk.column.name.encode())]),
            4: I32(_GZIP),
            5: I64(chunk.values),
            6: I64(chunk.unpacked),
            7: I64(chunk.size),
            9: I64(chunk.offset),
        }
    )
    return Struct({2: I64(chunk.offset), 3: meta})
