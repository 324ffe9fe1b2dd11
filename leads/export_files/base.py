"""What every kind of export file is written from: typed columns and rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self


class Type(StrEnum):
    """The type of a column; times are aware."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    TIME = "time"


class Column(NamedTuple):
    """One column of an export."""

    name: str
    type: Type


class Writer(ABC):
    """Writes rows to one file, without holding more than a few of them."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self.path = path
        self.columns = tuple(columns)

    @abstractmethod
    def write(self, row: Sequence[object]) -> None:
        """Write one row; a cell is None where nothing is known."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""

    @abstractmethod
    def abandon(self) -> None:
        """Let go of what is open; the file is thrown away."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()
