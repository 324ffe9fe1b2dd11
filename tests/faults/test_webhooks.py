"""Kill workers while they deliver: each end is told at least once, under one id."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import pytest
from standardwebhooks import Webhook as IndependentVerifier

from tasks.enqueueing import enqueue_many
from tasks.models import Task, Webhook, WebhookDelivery, Worker
from tasks.webhooks import subscribing
from tests.tasks.receiver import Answer, receiving

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

TASKS = 60


@pytest.mark.timeout(180)
def test_kills_between_request_and_record_lose_no_delivery(
    rabbitmq, start_process, wait_until, settings
):
    with receiving() as receiver:
        settings.FETCH_ALLOWED_PRIVATE = [receiver.host_port]
        # Slow enough that a kill finds requests on their way.
        receiver.answer(_slowly)
        environment = {
            "TASK_LEASE_SECONDS": "4",
            "TASK_MAX_RESCUES": "50",
            "FETCH_ALLOWED_PRIVATE": receiver.host_port,
            "SECRET_KEY": settings.SECRET_KEY,
        }
        webhook = Webhook(name="w", url=receiver.url, actors=["trial_add"])
        secret = subscribing.add(webhook)
        pool = ("workers", "--queues=default", "--processes=2", "--threads=4")
        start_process(*pool, **environment)
        start_process("scheduler", **environment)
        wait_until(lambda: Worker.objects.filter(stopped_at=None).count() == 2, 60)
        enqueue_many("trial_add", [{"a": n, "b": 1} for n in range(TASKS)])
        for so_far in (10, 25, 40):
            wait_until(lambda so_far=so_far: len(receiver.got) >= so_far, 60)
            _kill_one()

        delivered = WebhookDelivery.objects.filter(state="delivered")
        wait_until(lambda: delivered.count() == TASKS, 90)
        # One row for each end; a second copy of it comes under the same id.
        assert set(receiver.ids()) == {one.event_id for one in delivered.all()}
        tasks = Task.objects.filter(actor="trial_add").values_list("pk", flat=True)
        ends = Counter(delivered.values_list("task_id", flat=True))
        assert ends == dict.fromkeys(tasks, 1)
        for got in receiver.got:
            IndependentVerifier(secret).verify(got.body, got.headers)


def _slowly() -> Answer:
    time.sleep(0.05)
    return Answer()


def _kill_one() -> None:
    worker = Worker.objects.filter(stopped_at=None).order_by("-heartbeat_at").first()
    if worker is not None:
        try:
            os.kill(worker.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
