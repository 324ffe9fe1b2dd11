"""A folder for servers and launchers under test."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A folder whose path has a blank and is too long for a Unix socket."""
    folder = tmp_path / "a long checkout" / ("x" * 60)
    folder.mkdir(parents=True)
    for step in (tmp_path, *tmp_path.parents):
        # pytest's folders are closed to others; PostgreSQL under root is another.
        if step.owner() == Path.home().owner() and not step.stat().st_mode & 0o001:
            step.chmod(step.stat().st_mode | 0o001)
    return folder
