"""The real servers, started and stopped by a launcher in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pika
import psutil
import psycopg
import pytest

from deploy.local.ports import wait_for
from deploy.local.servers import can_run_rabbitmq
from tests.deploy.leftovers import processes_of
from tests.house.tree import ROOT

pytestmark = pytest.mark.timeout(300)

#: Starts the servers, tells their addresses and waits to be stopped.
LAUNCHER = """
import json, os, sys
from pathlib import Path
from deploy.local.processes import Processes
from deploy.local.screen import StopRequested
from deploy.local.servers import Servers

var = Path(sys.argv[1])
own = {n: v for n, v in os.environ.items() if n not in ("DATABASE_URL", "RABBITMQ_URL")}
processes = Processes(Path.cwd(), var)
processes.listen_for_stop()
processes.stop_lost()
try:
    servers = Servers(var, processes, own)
    servers.start()
    addresses = servers.database_url("fliptech") | servers.rabbitmq_address()
    servers.wait_for_rabbitmq()
    print(json.dumps(addresses), flush=True)
    while True:
        processes.pause(0.2)
        processes.tend()
except StopRequested:
    pass
finally:
    processes.stop()
"""


@contextmanager
def _launcher(var: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    assert can_run_rabbitmq(os.environ), (
        "This test starts a real RabbitMQ and none is installed:"
        " apt-get install rabbitmq-server."
    )
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(var)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def test_the_servers_start_keep_their_data_and_leave_no_process(var):
    with _launcher(var) as (_, addresses):
        _write(addresses)
        listening = {
            connection.laddr.ip
            for process in processes_of(var)
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening <= {"127.0.0.1", "::1"}
    assert processes_of(var) == []

    with _launcher(var) as (_, addresses):
        assert _read(addresses) == ("kept", b"kept")
    assert processes_of(var) == []


@pytest.mark.faults
def test_killing_the_launcher_leaves_nothing_running(var):
    with _launcher(var) as (launcher, addresses):
        _write(addresses)
        launcher.kill()
        assert wait_for(lambda: not processes_of(var), seconds=45)

    with _launcher(var) as (_, addresses):
        assert _read(addresses) == ("kept", b"kept")


@pytest.mark.faults
def test_killing_launcher_and_servers_at_once_loses_nothing(var):
    with _launcher(var) as (launcher, addresses):
        _write(addresses)
        processes = [psutil.Process(launcher.pid), *processes_of(var)]
        processes += psutil.Process(launcher.pid).children()
        for process in processes:
            # A guard may have ended its server already, since the launcher is gone.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        assert wait_for(lambda: not processes_of(var), seconds=45)

    with _launcher(var) as (_, addresses):
        assert _read(addresses) == ("kept", b"kept")


@pytest.mark.faults
def test_a_killed_rabbitmq_comes_back_at_the_same_address(var):
    with _launcher(var) as (_, addresses):
        _write(addresses)
        (node,) = [p for p in processes_of(var) if p.name() == "beam.smp"]
        node.send_signal(signal.SIGKILL)
        node.wait(10)
        assert wait_for(lambda: _answers(addresses), seconds=90, pause=0.3)
        assert _read(addresses) == ("kept", b"kept")


def _answers(addresses: dict[str, str]) -> bool:
    try:
        pika.BlockingConnection(pika.URLParameters(addresses["RABBITMQ_URL"])).close()
    except pika.exceptions.AMQPError:
        return False
    return True


def _write(addresses: dict[str, str]) -> None:
    with psycopg.connect(addresses["DATABASE_URL"]) as connection:
        connection.execute("create table if not exists kept as select 'kept' as word")
    with pika.BlockingConnection(
        pika.URLParameters(addresses["RABBITMQ_URL"])
    ) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True)
        persistent = pika.BasicProperties(delivery_mode=2)
        channel.basic_publish("", "kept", b"kept", persistent)


def _read(addresses: dict[str, str]) -> tuple[str, bytes]:
    with psycopg.connect(addresses["DATABASE_URL"]) as connection:
        row = connection.execute("select word from kept").fetchone()
    with pika.BlockingConnection(
        pika.URLParameters(addresses["RABBITMQ_URL"])
    ) as connection:
        _, _, body = connection.channel().basic_get("kept", auto_ack=False)
    assert row is not None
    return row[0], body
