"""Fixtures of the ledger's tests: trial actors, queues of their own, real workers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pytest
from django.conf import settings as django_settings
from django.db import connection
from pika.adapters.blocking_connection import BlockingChannel

from tasks.addressing import connection_parameters
from tasks.models import Webhook
from tasks.webhooks import subscribing
from tests.tasks.receiver import Receiver, receiving

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def trial_actors() -> None:
    """Make the trial actors known."""
    import tests.tasks.trial_actors  # noqa: F401 - declaring is the import's effect


@pytest.fixture
def rabbitmq(rabbitmq_url) -> Iterator[BlockingChannel]:
    """A channel of the real RabbitMQ, with queues of this test's own."""
    with pika.BlockingConnection(connection_parameters(rabbitmq_url)) as client:
        yield client.channel()


@pytest.fixture
def effects(transactional_db) -> Iterator[Callable[[], list[str]]]:
    """A table in which actors leave their effects; returns their names."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS trial_effect (name text)")
        cursor.execute("TRUNCATE trial_effect")

    def names() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM trial_effect ORDER BY name")
            return [row[0] for row in cursor.fetchall()]

    yield names
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE trial_effect")


@pytest.fixture
def test_environment(transactional_db) -> dict[str, str]:
    """The environment in which another process finds the test's database."""
    name = connection.settings_dict["NAME"]
    head, _, query = django_settings.DATABASE_URL.partition("?")
    base = head.rsplit("/", 1)[0]
    return {
        **os.environ,
        "DATABASE_URL": f"{base}/{name}" + (f"?{query}" if query else ""),
    }


@pytest.fixture
def start_process(
    test_environment, settings, tmp_path
) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start `manage.py …` against the test's database and queues; stop it afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env={
                **test_environment,
                "RABBITMQ_URL": settings.RABBITMQ_URL,
                "RABBITMQ_QUEUE_PREFIX": settings.RABBITMQ_QUEUE_PREFIX,
                "EXTRA_ACTOR_MODULES": "tests.tasks.trial_actors",
                "PYTHONWARNINGS": "default",
                **environment,
            },
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Wait for a condition that other processes bring about."""

    def wait(condition: Callable[[], object], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"This did not come true within {seconds} s.")
            time.sleep(0.02)

    return wait


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    with receiving() as receiver:
        settings.FETCH_ALLOWED_PRIVATE = [receiver.host_port]
        yield receiver


@pytest.fixture
def added(receiver) -> tuple[Webhook, str]:
    """A standing webhook and its secret."""
    webhook = Webhook(name="crm", url=receiver.url)
    return webhook, subscribing.add(webhook)
