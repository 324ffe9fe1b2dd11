"""Two RabbitMQ nodes that know nothing of each other: the first dies, the work goes on."""

from __future__ import annotations

import signal
import time

import psutil
import pytest

from tasks.addressing import RETURN_SECONDS
from tasks.enqueueing import enqueue, enqueue_many
from tasks.handover import handover
from tasks.models import Task
from tasks.states import State
from tests.tasks.nodes import running_nodes
from tests.tasks.trial_actors import trial_fenced_effect

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

COUNT = 150


@pytest.fixture
def nodes(tmp_path):
    with running_nodes(tmp_path, count=2) as nodes:
        yield nodes


@pytest.fixture
def rabbitmq_url(nodes, settings):
    """Both, the one that will die first."""
    settings.RABBITMQ_URL = ";".join(node.node.url for node in nodes)
    settings.RABBITMQ_QUEUE_PREFIX = "failover."
    yield settings.RABBITMQ_URL
    handover.stop()


def kill(node):
    """Take the node away as a power cut does."""
    port = node.node.amqp_port
    (pid,) = {
        one.pid
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    }
    process = psutil.Process(pid)
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def names(label):
    return [{"name": f"{label} {number:03}"} for number in range(COUNT)]


def test_nothing_is_lost_or_done_twice_when_the_first_node_dies(
    rabbitmq_url, nodes, effects, start_process, wait_until
):
    workers = [
        start_process(
            "worker", "--queues=default", "--threads=4", TASK_LEASE_SECONDS="5"
        )
        for _ in range(2)
    ]
    scheduler = start_process("scheduler")
    before = names("before")
    enqueue_many("trial_fenced_effect", before)
    # The scheduler plans standing orders of its own beside these.
    ours = Task.objects.filter(actor="trial_fenced_effect")
    succeeded = ours.filter(state=State.SUCCEEDED)
    wait_until(lambda: succeeded.count() >= COUNT // 3, 40)
    # These are in the first node when it dies, or on their way to it.
    enqueue_many("trial_fenced_effect", names("meanwhile"))
    kill(nodes[0])
    sent = [trial_fenced_effect.send(**one) for one in names("after")]
    one_more = enqueue("trial_fenced_effect", name="last")
    assert len(sent) == COUNT
    wait_until(lambda: succeeded.count() == 3 * COUNT + 1, 60)
    done = effects()
    assert len(done) == len(set(done)) == 3 * COUNT + 1
    assert Task.objects.get(pk=one_more).attempt == 1
    nodes[0].revive()
    # One that starts now meets the others at the first node, and so does what it is to do.
    late = start_process("worker", "--queues=default", "--threads=4")
    moved_on = time.monotonic() + RETURN_SECONDS * 2
    number = 0
    while time.monotonic() < moved_on:
        number += 1
        enqueue("trial_fenced_effect", name=f"back {number:03}")
        time.sleep(0.5)
    for process in workers:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    enqueue_many("trial_fenced_effect", names("at the end"))
    wait_until(lambda: succeeded.count() == 4 * COUNT + 1 + number, 60)
    assert len(set(effects())) == 4 * COUNT + 1 + number
    assert late.poll() is None
    assert scheduler.poll() is None
