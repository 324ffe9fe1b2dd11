"""`python -m tests.bench tasks|leads|email`: measure beside the peers and print the ratios.

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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.local.screen import LaunchError
from tests.bench import incoming
from tests.bench.campaign_page import PART, measure_campaign_page
from tests.bench.comparing import (
    AT_SCALE,
    CELERY,
    OURS,
    PLAIN,
    Sizes,
    compare,
    peer_processes,
)
from tests.bench.comparing_mail import (
    MAIL_PARTS,
    TOGETHER,
    compare_mail,
    mail_processes,
)
from tests.bench.comparing_readers import compare_readers, reader_processes
from tests.bench.mail_sink import running_sink
from tests.bench.measuring import Comparison
from tests.bench.printing import as_json, table
from tests.bench.scale import compare_at_scale
from tests.bench.servers import running_postgres, running_servers

#: What can be measured alone, and who is needed for it.
PARTS: dict[str, tuple[Callable[..., list[Comparison]], tuple[str, ...]]] = {
    "speed": (compare, (OURS, PLAIN, CELERY)),
    "scale": (compare_at_scale, (AT_SCALE, PLAIN)),
}


def main() -> None:
    """Run the benchmarks that the command line names."""
    if sys.argv[1:2] == ["incoming"]:
        incoming.main(sys.argv[2:])
        return
    arguments = _arguments()
    # pika reports every refused connection while RabbitMQ starts.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    measure = {"tasks": _tasks, "leads": _leads, "email": _email}[arguments.what]
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="fliptech-bench-") as folder:
            comparisons = measure(Path(folder), arguments)
    except LaunchError as error:
        sys.exit(str(error))
    seconds = time.monotonic() - began
    _say(f"Measured in {seconds:.0f} s on {_machine()}.")
    print(as_json(comparisons, _machine()) if arguments.json else table(comparisons))


def _tasks(folder: Path, arguments: argparse.Namespace) -> list[Comparison]:
    sizes = Sizes(backlog=arguments.n, rounds=arguments.rounds, history=arguments.rows)
    parts = [PARTS[part] for part in arguments.only or PARTS]
    names = {name for _, needed in parts for name in needed}
    with (
        running_servers(folder, with_redis=CELERY in names) as servers,
        peer_processes(servers, folder, names) as peers,
    ):
        return [one for compare, _ in parts for one in compare(peers, sizes, _say)]


def _leads(folder: Path, arguments: argparse.Namespace) -> list[Comparison]:
    with (
        running_postgres(folder) as database_url,
        reader_processes(database_url, folder) as readers,
    ):
        return compare_readers(
            readers, rounds=arguments.rounds, pages=2 * arguments.n, say=_say
        )


def _email(folder: Path, arguments: argparse.Namespace) -> list[Comparison]:
    wanted = arguments.only or (*MAIL_PARTS, PART)
    found = (
        measure_campaign_page(folder, arguments.rows, _say) if PART in wanted else []
    )
    parts = [part for part in wanted if part != PART]
    if not parts:
        return found
    together = arguments.together
    sizes = Sizes(arguments.n, arguments.rounds, together=together)
    with (
        running_sink(folder) as port,
        running_servers(folder, with_redis=False) as servers,
        mail_processes(servers, folder, port, together) as peers,
    ):
        return [*compare_mail(peers, sizes, port, _say, parts), *found]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", choices=["tasks", "leads", "email"])
    parser.add_argument(
        "--n",
        type=_count,
        default=5000,
        help="tasks in the backlog, half the pages while memory is watched, or mails",
    )
    parser.add_argument(
        "--rounds",
        type=_count,
        help="9 for leads, whose rounds take a second and differ by the disk; else 3",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[*PARTS, *MAIL_PARTS, PART],
        help="one part of them",
    )
    parser.add_argument(
        "--rows",
        type=_count,
        default=1_000_000,
        help="finished tasks in the history, or recipients of the campaign",
    )
    parser.add_argument(
        "--together",
        type=_count,
        default=TOGETHER,
        help="mails that go in one commit of ours, and in one batch of post_office",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (9 if arguments.what == "leads" else 3)
    return arguments


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
