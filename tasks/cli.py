"""Dramatiq's own command line on our broker: `dramatiq tasks.cli --processes 2`.

`manage.py workers` does more (it replaces and renews children one by one, and scales);
this is for those whose tools expect the plain command.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fliptech_site.settings")
django.setup()

import dramatiq  # noqa: E402 - Django has to be set up first

from tasks.broker import get_broker  # noqa: E402
from tasks.declaring import load_actors  # noqa: E402
from tasks.ledger import Ledger  # noqa: E402
from tasks.working import Heart, keep_log  # noqa: E402

if TYPE_CHECKING:
    from dramatiq import Broker, Worker


class Heartbeats(dramatiq.Middleware):
    """Keep the leases of a worker that Dramatiq's command has started."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stop = threading.Event()
        self._heart: Heart | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Write the worker's row before the first claim names it."""
        keep_log()
        queues = sorted(worker.consumer_whitelist or broker.get_declared_queues())
        self._heart = Heart(self._ledger, queues, worker.worker_threads)
        threading.Thread(target=self._beat, name="heart", daemon=True).start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Take nothing more."""
        self._ledger.is_stopping.set()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Give back what did not end, and close the row."""
        self._stop.set()
        if self._heart is not None:
            self._heart.stop()

    def _beat(self) -> None:
        while self._heart is not None and not self._stop.wait(self._heart.pause):
            self._heart.try_to_beat()


load_actors()
broker = get_broker()
broker.add_middleware(
    Heartbeats(next(one for one in broker.middleware if isinstance(one, Ledger)))
)
