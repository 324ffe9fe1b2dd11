"""The most memory that this process ever held."""

from __future__ import annotations

import re
import resource
from pathlib import Path


def peak_mb() -> float:
    """Give the most memory held since this program began, in millions of bytes.

    Linux hands ru_maxrss on from a process to those it starts: it would be the parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found is not None
        return int(found[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
