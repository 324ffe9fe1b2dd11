"""A folder for servers and launchers under test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def var() -> Iterator[Path]:
    """A folder whose path has a blank and is too long for a Unix socket.

    Not below pytest's own folders: these are closed to other users (again and again,
    by every pytest on the machine), and under root PostgreSQL runs as another.
    """
    with tempfile.TemporaryDirectory(
        prefix="fliptech-test-", ignore_cleanup_errors=True
    ) as base:
        Path(base).chmod(0o711)
        folder = Path(base) / "a long checkout" / ("x" * 80)
        folder.mkdir(parents=True)
        yield folder
