"""`python -m tests.bench tasks`: measure beside the peers and print the ratios.

`python -m tests.bench incoming` scores how what comes back is read (incoming.py).
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deploy.local.screen import LaunchError
from tests.bench import incoming
from tests.bench.comparing import Sizes, compare, peer_processes
from tests.bench.printing import as_json, table
from tests.bench.servers import running_servers


def main() -> None:
    """Run the benchmarks that the command line names."""
    if sys.argv[1:2] == ["incoming"]:
        incoming.main(sys.argv[2:])
        return
    arguments = _arguments()
    # pika reports every refused connection while RabbitMQ starts.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    sizes = Sizes(backlog=arguments.n, rounds=arguments.rounds)
    began = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="fliptech-bench-") as folder,
            running_servers(Path(folder)) as servers,
            peer_processes(servers, Path(folder)) as peers,
        ):
            comparisons = compare(peers, sizes, _say)
    except LaunchError as error:
        sys.exit(str(error))
    seconds = time.monotonic() - began
    _say(f"Measured in {seconds:.0f} s on {_machine()}.")
    print(as_json(comparisons, _machine()) if arguments.json else table(comparisons))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", choices=["tasks"])
    parser.add_argument("--n", type=_count, default=5000, help="tasks in the backlog")
    parser.add_argument("--rounds", type=_count, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return count


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
