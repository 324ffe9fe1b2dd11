"""A web thread that was idle for long: its connection is gone, and nobody notices."""

from __future__ import annotations

import logging
import time

import pika
import pytest

from tasks import handover as handing
from tasks.broker import queue_arguments, rabbitmq_queue
from tasks.enqueueing import enqueue
from tasks.handover import handover
from tests.tasks.nodes import running_nodes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_nodes(tmp_path_factory.mktemp("idle")) as (node,):
        yield node


@pytest.fixture
def rabbitmq_url(node, settings):
    """The private node in the place of the shared one."""
    settings.RABBITMQ_URL = node.node.url
    settings.RABBITMQ_QUEUE_PREFIX = "idle."
    yield node.node.url
    handover.stop()


@pytest.fixture
def arrived(rabbitmq_url):
    """Wait for the next message and return its task and the seconds since a moment."""

    def wait(since):
        with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
            channel = connection.channel()
            name = rabbitmq_queue("default")
            channel.queue_declare(name, durable=True, arguments=queue_arguments())
            while time.monotonic() - since < 10:
                _, properties, _ = channel.basic_get(name, auto_ack=True)
                if properties is not None:
                    return properties.message_id, time.monotonic() - since
                time.sleep(0.01)
        return None, None

    return wait


@pytest.mark.parametrize("looks", [10.0, 0.05], ids=["unseen", "seen"])
def test_a_connection_that_rabbitmq_closed_costs_no_error_and_no_second(
    node, arrived, caplog, monkeypatch, looks
):
    monkeypatch.setattr(handing, "IDLE_SECONDS", looks)
    first = enqueue("trial_add", a=1, b=2)
    handover.flush(10)
    assert arrived(time.monotonic())[0] == str(first)
    node.control("close_all_connections", "maintenance")
    caplog.clear()
    caplog.set_level(logging.INFO)
    began = time.monotonic()
    task_id = enqueue("trial_add", a=1, b=2)
    found, seconds = arrived(began)
    assert found == str(task_id)
    assert seconds < 1.0
    handover.flush(10)
    assert [one.getMessage() for one in caplog.records] == []


def test_a_node_that_was_started_anew_costs_no_error_and_no_second(
    node, arrived, caplog
):
    first = enqueue("trial_add", a=1, b=2)
    handover.flush(10)
    assert arrived(time.monotonic())[0] == str(first)
    node.control("stop_app")
    node.control("start_app")
    caplog.clear()
    began = time.monotonic()
    task_id = enqueue("trial_add", a=1, b=2)
    found, seconds = arrived(began)
    assert found == str(task_id)
    assert seconds < 1.0
    assert [one.getMessage() for one in caplog.records] == []
