"""Find what a launcher left running."""

from __future__ import annotations

import os
from pathlib import Path

import psutil


def processes_of(var: Path) -> list[psutil.Process]:
    """Return every process that works in the folder, whoever started it."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ", "status"])
        if process.pid != os.getpid()
        and (
            str(var) in " ".join(process.info["cmdline"] or ())
            or str(var) in _folders(process.info["environ"] or {})
        )
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def _folders(environment: dict[str, str]) -> str:
    return environment.get("HOME", "") + environment.get("VAR_DIR", "")
