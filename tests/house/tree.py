"""The files of the checkout, as git knows them."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@functools.cache
def tracked_files() -> list[Path]:
    """Return the paths of all files that are or could be committed."""
    output = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    paths = [Path(name.decode()) for name in output.split(b"\0") if name]
    return sorted({path for path in paths if (ROOT / path).is_file()})


def python_files() -> list[Path]:
    """Return all Python files except migrations, which Django writes."""
    return [
        path
        for path in tracked_files()
        if path.suffix == ".py" and "migrations" not in path.parts
    ]
