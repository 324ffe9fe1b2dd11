"""Throw-away servers on loopback for one run: PostgreSQL, RabbitMQ, Redis.

Started as `deploy/local` starts those of a local installation, so they end with this
process, however it ends. PostgreSQL keeps its promises (fsync): their cost is the point.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports
from deploy.local.postgres import Postgres
from deploy.local.processes import Processes, Program
from deploy.local.rabbitmq import RabbitMQ, find_epmd, find_server
from deploy.local.screen import LaunchError

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers of this run are."""

    our_database_url: str
    celery_database_url: str
    rabbitmq_url: str
    redis_url: str


@contextmanager
def running_servers(folder: Path, *, with_redis: bool) -> Iterator[Servers]:
    """Start them under `folder` and stop them at the end; Redis if it is wanted.

    Raises LaunchError, which says what to install or what a server printed.
    """
    redis_port = ports.any_free()
    redis = _redis(folder / "redis", redis_port) if with_redis else None
    if find_server(os.environ) is None or find_epmd(os.environ) is None:
        raise LaunchError(
            "rabbitmq-server is missing: install it with"
            " `apt-get install rabbitmq-server` or `brew install rabbitmq`."
        )
    (folder / "log").mkdir()
    processes = Processes(ROOT, folder)
    try:
        postgres = Postgres(folder / "postgres", processes, os.environ)
        rabbitmq = RabbitMQ(folder / "rabbitmq", processes, os.environ)
        postgres.start()
        rabbitmq.start()
        if redis is not None:
            processes.start(redis)
            processes.wait_until("redis", lambda: ports.accepts(redis_port), seconds=20)
        yield Servers(
            postgres.make_ready("ours"),
            postgres.make_ready("celery"),
            rabbitmq.make_ready(),
            f"redis://{ports.LOOPBACK}:{redis_port}/0",
        )
    finally:
        processes.stop()


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Start PostgreSQL alone under `folder`; give the address of an empty database."""
    (folder / "log").mkdir()
    processes = Processes(ROOT, folder)
    try:
        postgres = Postgres(folder / "postgres", processes, os.environ)
        postgres.start()
        yield postgres.make_ready("ours")
    finally:
        processes.stop()


def _redis(folder: Path, port: int) -> Program:
    server = shutil.which("redis-server")
    if server is None:
        raise LaunchError(
            "redis-server is missing, without which Celery can't be measured: install"
            " it with `apt-get install redis-server` or `brew install redis`."
        )
    folder.mkdir()
    # Everything else stays as redis-server has it by default: appendonly off.
    options = ("--port", str(port), "--bind", ports.LOOPBACK, "--dir", str(folder))
    return Program("redis", (server, *options), os.environ, folder, rank=1)
