"""`python -m tests.bench.our_launch ID`: launch a campaign as a process that does nothing else.

Prints the seconds and the most memory that it ever held, as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import django

django.setup()

from campaigns import launching  # noqa: E402 - Django comes first
from tests.bench.peak_memory import peak_mb  # noqa: E402


def main() -> None:
    """Launch the campaign that the command line names."""
    began = time.perf_counter()
    launching.launch(int(sys.argv[1]))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak": peak_mb()}))


if __name__ == "__main__":
    main()
