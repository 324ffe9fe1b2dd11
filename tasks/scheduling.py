"""The scheduler process: relay, rescue and standing orders, under one leader.

Any number may run. One holds a PostgreSQL advisory lock and works; the others stand by
and take over within about a second when its connection ends. Should two ever overlap
for a moment, nothing happens twice: every step is a compare-and-set or a unique key.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.utils import timezone

from tasks.following import follow_ends
from tasks.gating import settle_drained
from tasks.models import Worker
from tasks.planning import plan_due, sync_declared
from tasks.publishing import BrokerUnavailable, Publisher
from tasks.relaying import BATCH, raise_waiting, reclaim_lost, relay_to_rabbitmq
from tasks.rescuing import rescue_expired
from tasks.tallying import FOLD_SECONDS, fold
from tasks.workflows.sweeping import sweep

logger = logging.getLogger(__name__)

#: Key of the advisory lock that the leader holds ("flip" in ASCII).
LEADER_LOCK = 0x666C6970
STANDBY_SECONDS = 1.0
RELAY_SECONDS = 0.1
UPKEEP_SECONDS = 1.0
SWEEP_SECONDS = 60.0
RECLAIM_SECONDS = 5.0
#: Seconds to wait after RabbitMQ could not be reached.
BROKER_PAUSE_SECONDS = 1.0


class Scheduler:
    """Stands by until it leads, and leads until it is stopped or loses the lock."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._is_leading = threading.Event()

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop.set())
        relay = threading.Thread(target=self._relay, name="relay", daemon=True)
        relay.start()
        while not self._stop.is_set():
            try:
                self._lead_once()
            except (psycopg.Error, DatabaseError, InterfaceError) as error:
                logger.warning("The scheduler waits for the database: %s", error)
            self._is_leading.clear()
            self._stop.wait(STANDBY_SECONDS)
        relay.join(timeout=5)
        logger.info("The scheduler has stopped.")

    def _lead_once(self) -> None:
        """Try for the lock; when it is ours, work until stopped or the lock is gone."""
        # A connection of its own: the lock lives as long as it does, and Django may
        # close its own connections at any time.
        parameters = connection.get_connection_params()
        for unwanted in ("cursor_factory", "context"):
            parameters.pop(unwanted, None)
        with psycopg.connect(**parameters, autocommit=True) as lock:
            if not _is_locked(lock):
                return
            logger.info("This scheduler leads.")
            close_old_connections()
            sync_declared()
            self._is_leading.set()
            sweep_at = 0.0
            while not self._stop.wait(UPKEEP_SECONDS):
                lock.execute("SELECT 1")
                _upkeep()
                if time.monotonic() >= sweep_at:
                    sweep()
                    sweep_at = time.monotonic() + SWEEP_SECONDS

    def _relay(self) -> None:
        publisher = Publisher()
        reclaim_at = 0.0

        def step() -> float:
            nonlocal reclaim_at
            if not settings.RABBITMQ_URL or not self._is_leading.is_set():
                return STANDBY_SECONDS
            published = relay_to_rabbitmq(publisher)
            if time.monotonic() >= reclaim_at:
                reclaim_lost(publisher)
                raise_waiting(publisher)
                reclaim_at = time.monotonic() + RECLAIM_SECONDS
            return 0.0 if published >= BATCH else RELAY_SECONDS

        while not self._stop.is_set():
            self._stop.wait(_guarded(step))
        publisher.close()


def _guarded(step: Callable[[], float]) -> float:
    """Run one step and return the pause after it; servers that are away are waited for."""
    try:
        close_old_connections()
        return step()
    except BrokerUnavailable as error:
        logger.warning("%s Tasks wait in the database.", error)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The relay waits for the database: %s", error)
    except Exception:
        # The relay is what loses no task: it goes on after an error nobody foresaw.
        logger.exception("A step of the relay failed.")
    return BROKER_PAUSE_SECONDS


def _is_locked(lock: psycopg.Connection[tuple[bool]]) -> bool:
    row = lock.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK]).fetchone()
    return bool(row and row[0])


def _upkeep() -> None:
    close_old_connections()
    rescued = rescue_expired()
    if rescued:
        logger.warning("%d tasks whose worker died were given to others.", rescued)
    for queue in settle_drained():
        logger.info("The queue %s is drained and paused now.", queue)
    follow_ends()
    planned = plan_due()
    if planned:
        logger.info("%d planned runs were enqueued.", planned)
    silent_since = timezone.now() - timedelta(seconds=settings.TASK_LEASE_SECONDS * 3)
    Worker.objects.filter(
        stopped_at__isnull=True, heartbeat_at__lt=silent_since
    ).update(stopped_at=timezone.now())
    fold(FOLD_SECONDS)
