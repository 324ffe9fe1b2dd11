"""Ours, driven by the benchmarks of mail."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack

import django
from django.core.management import call_command

django.setup()

from django.db import connection  # noqa: E402 - Django comes first

from campaigns import batches, launching  # noqa: E402
from campaigns.models import Campaign, Email  # noqa: E402
from campaigns.pacing import batches_of  # noqa: E402
from tasks.broker import get_broker, rabbitmq_queue  # noqa: E402
from tasks.enqueueing import enqueue  # noqa: E402
from tasks.handover import handover  # noqa: E402
from tasks.models import Task  # noqa: E402
from tests.bench.driving import Worker  # noqa: E402
from tests.bench.mail_rows import (  # noqa: E402
    forget_everything,
    make_account,
    make_campaign,
    make_emails,
    make_leads,
)
from tests.bench.servers import ROOT  # noqa: E402
from tests.bench.waiting import wait_until  # noqa: E402


class Driver:
    """Sends with real workers through RabbitMQ, everything recorded."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        # Declares both queues.
        enqueue("send_batch_emails", email_ids=[])
        enqueue("process_campaign_batch", campaign_id=0, email_ids=[])
        handover.flush(60)

    def send(
        self, count: int, port: int, connections: int, window: int, workers: int = 1
    ) -> float:
        """Send a campaign; returns the mails sent per second, once workers are warm.

        The workers have the connections among them. As many mails more are sent as go
        together over all connections: see `_rate`.
        """
        self._clear()
        mails = count + connections * window
        make_leads(mails)
        campaign = make_campaign(make_account(port, window=window))
        make_emails(campaign, mails)
        ids = list(Email.objects.order_by("pk").values_list("pk", flat=True))
        for batch in batches_of(ids, batches.LARGEST_BATCH):
            batches.plan(batch)
        # The pace of planning is not what is measured.
        Task.objects.filter(state="scheduled").update(state="queued")
        with _scheduler() as scheduler:
            owed = Task.objects.filter(state="queued", published_at=None)
            wait_until(lambda: not owed.exists(), scheduler.check)
        with ExitStack() as stack:
            started = [_worker(connections // workers) for _ in range(workers)]
            for worker in started:
                stack.enter_context(worker)
            open_mails = Email.objects.exclude(state="sent")
            wait_until(lambda: not open_mails.exists(), started[0].check, 0.05)
        return _rate()

    def launch_and_send(
        self, count: int, port: int, connections: int, window: int, workers: int
    ) -> float:
        """Launch a campaign and send it; returns the mails per second of both together.

        The workers have sent another campaign before.
        """
        self._clear()
        account = make_account(port, window=window)
        with ExitStack() as stack:
            stack.enter_context(_scheduler())
            for _ in range(workers):
                stack.enter_context(_worker(connections // workers))
            make_leads(connections * window)
            _launch_and_send(make_campaign(account, state="draft"))
            make_leads(count - connections * window)
            return count / _launch_and_send(make_campaign(account, state="draft"))

    def launch(self, count: int) -> dict[str, float]:
        """Launch a campaign to so many leads; returns the seconds and the peak in MB."""
        self._clear()
        make_leads(count)
        campaign = make_campaign(make_account(25), state="draft")
        launch = [sys.executable, "-m", "tests.bench.our_launch", str(campaign.pk)]
        told: dict[str, float] = json.loads(subprocess.check_output(launch, cwd=ROOT))
        assert Email.objects.count() == count
        return told

    def keep_pace(
        self, port: int, per_minute: int, seconds: float, workers: int
    ) -> dict[str, float]:
        """Let several workers send at a pace; returns the rate and the fullest minute."""
        self._clear()
        count = int(per_minute * seconds / 60) + 5
        make_leads(count)
        campaign = make_campaign(make_account(port, per_minute=per_minute, window=1))
        make_emails(campaign, count)
        pools = [_worker(2) for _ in range(workers)]
        try:
            with _scheduler():
                batches.send_all(campaign.pk)
                deadline = time.monotonic() + seconds + 30
                first = Email.objects.filter(state="sent")
                wait_until(first.exists)
                began = time.monotonic()
                while time.monotonic() < min(began + seconds, deadline):
                    time.sleep(0.2)
                Campaign.objects.update(state="paused")
        finally:
            for pool in pools:
                pool.__exit__(None, None, None)
        return _kept(per_minute)

    def _clear(self) -> None:
        handover.flush(30)
        forget_everything()
        for queue in ("default", "email"):
            get_broker().channel.queue_purge(rabbitmq_queue(queue))  # type: ignore[attr-defined]


def _launch_and_send(campaign: Campaign) -> float:
    began = time.perf_counter()
    launching.launch(campaign.pk)
    waiting = Email.objects.filter(campaign=campaign).exclude(state="sent")
    wait_until(lambda: not waiting.exists(), pause_seconds=0.05)
    return time.perf_counter() - began


def _rate() -> float:
    """Read from the rows how many mails went per second.

    From the first claim after a mail was sent: until then workers import, connect and
    parse what they do once, which the peers have done before they are measured.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH warm AS (SELECT min(claimed_at) AS since FROM campaigns_email"
            " WHERE claimed_at > (SELECT min(sent_at) FROM campaigns_email))"
            " SELECT count(*) / extract(epoch FROM max(sent_at) - min(since))"
            " FROM campaigns_email, warm WHERE claimed_at >= since"
        )
        return float(cursor.fetchone()[0])


def _kept(per_minute: int) -> dict[str, float]:
    """Read from the rows how fast they went, and how many in the fullest 60 seconds."""
    times = sorted(
        moment.timestamp()
        for moment in Email.objects.filter(claimed_at__isnull=False).values_list(
            "claimed_at", flat=True
        )
        if moment is not None
    )
    fullest, first = 0, 0
    for last, moment in enumerate(times):
        while moment - times[first] >= 60:
            first += 1
        fullest = max(fullest, last - first + 1)
    rate = (len(times) - 1) / (times[-1] - times[0]) * 60
    return {
        "rate": rate,
        "share": rate / per_minute,
        "fullest": float(fullest),
        "mails": float(len(times)),
    }


def _worker(threads: int) -> Worker:
    arguments = ["--queues=email,default", f"--threads={threads}"]
    command = [sys.executable, "manage.py", "worker", *arguments]
    return Worker([*command, "--max-tasks=100000000"])


def _scheduler() -> Worker:
    return Worker([sys.executable, "manage.py", "scheduler"])
