"""Start one production process: settings, a look at the servers, then the process.

`python -m deploy.starting web|workers|scheduler [options]`; the start scripts call it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from deploy.local import screen
from deploy.local.answering import postgres_problem, rabbitmq_problem
from deploy.local.environment import read_environment
from deploy.local.screen import LaunchError, paint, say

ROOT = Path(__file__).resolve().parent.parent
#: Options that `manage.py workers` takes itself.
_PASSED_ON = (
    "queues",
    "processes",
    "min-processes",
    "max-processes",
    "threads",
    "max-memory-mb",
)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def parser(name: str) -> argparse.ArgumentParser:
    """Return the options that the process `name` takes."""
    options = argparse.ArgumentParser(
        prog=f"deploy/start-{name}.sh", allow_abbrev=False
    )
    options.add_argument("--log-level", type=str.upper, choices=LEVELS)
    options.add_argument(
        "--check", action="store_true", help="only look whether the servers answer"
    )
    if name == "workers":
        options.add_argument("--queues", help="some of email,ai,default,scraper,demo")
        options.add_argument("--processes", type=int, help="how many worker processes")
        options.add_argument("--threads", type=int, help="threads of each process")
        options.add_argument("--min-processes", type=int, help="scale from so many")
        options.add_argument("--max-processes", type=int, help="to so many, by load")
        options.add_argument(
            "--max-memory-mb", type=int, help="renew a process above it"
        )
    if name == "web":
        options.add_argument("--bind", help="address:port, 127.0.0.1:8000 by default")
        options.add_argument("--threads", type=int, help="8 by default")
    return options


def command(
    name: str, chosen: argparse.Namespace, environment: Mapping[str, str]
) -> list[str]:
    """Return the command line of the process."""
    if name == "web":
        bind = chosen.bind or environment.get("WEB_BIND") or "127.0.0.1:8000"
        threads = chosen.threads or environment.get("WEB_THREADS") or 8
        return [
            *(sys.executable, "-m", "gunicorn", "fliptech_site.wsgi"),
            *("--bind", bind, "--worker-class", "gthread", "--workers", "1"),
            *("--threads", str(threads), "--no-control-socket"),
        ]
    passed_on = [
        f"--{option}={value}"
        for option in _PASSED_ON
        if (value := getattr(chosen, option.replace("-", "_"), None)) is not None
    ]
    return [sys.executable, "manage.py", name, *passed_on]


def problems(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each server or setting that would stop the process."""
    found = []
    if not _value(environment, "SECRET_KEY"):
        found.append(
            "SECRET_KEY is not set: write 50 or more random characters into .env."
        )
    database = _value(environment, "DATABASE_URL")
    if database:
        found.append(postgres_problem(database) or "")
    else:
        found.append(
            "DATABASE_URL is not set: write postgresql://user:password@host:5432/name"
            " into .env."
        )
    broker = _value(environment, "RABBITMQ_URL")
    if broker:
        found.append(rabbitmq_problem(broker) or "")
    else:
        say(
            f"{paint('!', 'yellow')} RABBITMQ_URL is not set: tasks run through the"
            " in-process broker of one worker process."
        )
    return [problem for problem in found if problem]


def _value(environment: Mapping[str, str], name: str) -> str:
    path = environment.get(f"{name}_FILE")
    if not path:
        return environment.get(name, "")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise LaunchError(
            f"{name}_FILE names {path!r}, which can't be read ({error.strerror})."
        ) from error


def main(arguments: Sequence[str]) -> int:
    """Check, then become the process; returns only when something is wrong."""
    name = arguments[0] if arguments else ""
    if name not in ("web", "workers", "scheduler"):
        screen.fail("name what to start: web, workers or scheduler.")
        return 2
    chosen = parser(name).parse_args(arguments[1:])
    try:
        environment = read_environment(ROOT)
        found = problems(environment)
    except LaunchError as error:
        found = [str(error)]
    for problem in found:
        say(f"{paint('✗', 'red')} {problem}")
    if found:
        return 1
    say(f"{paint('✓', 'green')} The servers answer.")
    if chosen.check:
        return 0
    if chosen.log_level:
        environment["LOG_LEVEL"] = chosen.log_level
    return _become(command(name, chosen, environment), environment)


def _become(argv: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Let the process take our place, so that systemd and Ctrl-C reach it directly."""
    os.chdir(ROOT)
    os.execve(argv[0], argv, environment)  # noqa: S606 - our own interpreter


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
