"""End the launcher's processes when the launcher itself was killed.

The launcher holds the writing end of this process's stdin and reports on it, one
JSON object a line, what it started (`stopping.Description`) and what has ended (`{"gone": pid}`). However the launcher dies, the
pipe closes, and what is still on the list is stopped in order.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterable

from deploy.local.stopping import Running, recognise, stop


def follow(lines: Iterable[str]) -> list[Running]:
    """Read reports until they end; return what has not been reported as gone."""
    running: dict[int, Running] = {}
    for line in lines:
        report = json.loads(line)
        if "gone" in report:
            running.pop(report["gone"], None)
            continue
        one = recognise(report)
        if one is not None:
            running[one.process.pid] = one
    return list(running.values())


def main() -> None:
    """Follow the launcher to its end, then clear up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop(follow(sys.stdin))


if __name__ == "__main__":
    main()
