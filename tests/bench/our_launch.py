"""`python -m tests.bench.our_launch ID`: launch a campaign as a process that does nothing else.

Prints the seconds and the most memory that it ever held, as JSON.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path

import django

django.setup()

from campaigns import launching  # noqa: E402 - Django comes first


def main() -> None:
    """Launch the campaign that the command line names."""
    began = time.perf_counter()
    launching.launch(int(sys.argv[1]))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak": _peak_mb()}))


def _peak_mb() -> float:
    """Give the most memory held since this program began.

    Linux hands ru_maxrss on from a process to those it starts: it would be the parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found is not None
        return int(found[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
