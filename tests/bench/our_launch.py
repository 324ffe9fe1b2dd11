"""`python -m tests.bench.our_launch ID`: launch a campaign as a process that does nothing else.

Prints the seconds and the most memory that it ever held, as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import django

django.setup()

from campaigns import launching  # noqa: E402 - Django comes first

#: ru_maxrss is in kilobytes on Linux, in bytes on macOS.
_UNIT = 1024 if sys.platform != "darwin" else 1


def main() -> None:
    """Launch the campaign that the command line names."""
    began = time.perf_counter()
    launching.launch(int(sys.argv[1]))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT / 1e6
    print(json.dumps({"seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()
