"""The systems under test, each started once; and the mark of a case of the reference."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings

from deploy.local.rabbitmq import find_server
from tests.conftest import NO_RABBITMQ
from tests.faults.node import PrivateRabbitMQ
from tests.peers.database import Database
from tests.peers.system import SERVED, System
from tests.peers.wire import Wire


@pytest.fixture(scope="session")
def start_system(tmp_path_factory) -> Iterator[Callable[[type[System]], System]]:
    """Start a system under test on a database, queues and wires of its own."""
    url = django_settings.RABBITMQ_URL
    if not url:
        pytest.fail(NO_RABBITMQ, pytrace=False)
    with ExitStack() as stack:

        def start(kind: type[System], rabbitmq_url: str = url) -> System:
            database = Database(django_settings.DATABASE_URL)
            stack.callback(database.drop)
            parts = urlsplit(rabbitmq_url)
            wires = [
                stack.enter_context(Wire(str(parts.hostname), parts.port or 5672))
                for _ in range(2)
            ]
            folder = Path(tmp_path_factory.mktemp(kind.name.replace(" ", "-")))
            system = kind(folder, database, rabbitmq_url, wires)
            stack.callback(system.stop)
            system.start()
            return system

        yield start


@pytest.fixture(scope="session")
def running() -> dict[type[System], System]:
    """The systems that were started for the tests of this session."""
    return {}


@pytest.fixture
def system(request, start_system, running) -> System:
    """The system that this case is shown on, well and with its workers running."""
    kind: type[System] = request.param
    if kind not in running:
        running[kind] = start_system(kind)
    found: System = running[kind]
    found.workers_wire.come_back()
    found.senders_wire.come_back()
    found.revive()
    for queue in SERVED:
        found.wait_for_workers(queue)
    return found


@pytest.fixture(scope="session")
def impatient_node(tmp_path_factory) -> Iterator[PrivateRabbitMQ]:
    """A node that takes a message back which is not acknowledged within a second."""
    if find_server(os.environ) is None:
        pytest.fail(NO_RABBITMQ, pytrace=False)
    node = PrivateRabbitMQ(
        Path(tmp_path_factory.mktemp("node")),
        consumer_timeout=1000,
        channel_tick_interval=500,
    )
    try:
        yield node
    finally:
        node.end()


@pytest.fixture
def impatient_system(request, start_system, impatient_node) -> Iterator[System]:
    """A system on the impatient node, for this test alone."""
    system: System = start_system(request.param, impatient_node.make_ready())
    system.wait_for_workers("default")
    yield system
    # Before the node, and the database, go.
    system.stop()
