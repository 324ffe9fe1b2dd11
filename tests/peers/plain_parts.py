"""What Dramatiq leaves to its users, written as they would: results, limits, pauses."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import dramatiq
import psycopg
from dramatiq.middleware import SkipMessage
from dramatiq.rate_limits import RateLimiterBackend
from dramatiq.results import Missing, ResultBackend

from tests.peers import bodies
from tests.peers.bodies import journal

#: Message id -> the message as it was sent last by this process.
sent: dict[str, dramatiq.Message[Any]] = {}


def connect() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["PEER_DATABASE_URL"], autocommit=True)


class PostgresResults(ResultBackend):
    """Results in a table, by one connection that is opened again when it was lost."""

    def __init__(self) -> None:
        super().__init__()
        self._connection: psycopg.Connection[Any] | None = None

    def _query(self, statement: str, parameters: list[Any]) -> list[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect()
        cursor = self._connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    def _get(self, message_key: str) -> Any:
        rows = self._query("SELECT body FROM result WHERE key = %s", [message_key])
        return self.encoder.decode(bytes(rows[0][0])) if rows else Missing

    def _store(self, message_key: str, result: Any, ttl: int) -> None:
        self._query(
            "INSERT INTO result (key, body) VALUES (%s, %s)",
            [message_key, self.encoder.encode(result)],
        )


class Pauses(dramatiq.Middleware):
    """Put messages of paused queues off."""

    def before_process_message(
        self, broker: dramatiq.Broker, message: dramatiq.MessageProxy
    ) -> None:
        with connect() as connection:
            row = connection.execute(
                "SELECT true FROM paused WHERE queue = %s", [message.queue_name]
            ).fetchone()
        if row is not None:
            broker.enqueue(message._message, delay=bodies.BACKOFF_MS)
            raise SkipMessage(f"{message.queue_name} is paused")


class PostgresLimits(RateLimiterBackend):
    """Counters in a table, one statement each; what Dramatiq does in Redis."""

    def add(self, key: str, value: int, ttl: int) -> bool:
        return self._ask(
            "INSERT INTO counter AS c VALUES (%(key)s, %(value)s, now() + %(ttl)s)"
            " ON CONFLICT (key) DO UPDATE SET value = %(value)s, expires = now() + %(ttl)s"
            " WHERE c.expires <= now() RETURNING true",
            key,
            value,
            ttl,
        )

    def incr(self, key: str, amount: int, maximum: int, ttl: int) -> bool:
        return self._count(key, amount, maximum, ttl, "<=")

    def decr(self, key: str, amount: int, minimum: int, ttl: int) -> bool:
        return self._count(key, -amount, minimum, ttl, ">=")

    def _count(self, key: str, amount: int, bound: int, ttl: int, compare: str) -> bool:
        self.add(key, 0, ttl)
        return self._ask(
            "UPDATE counter SET value = value + %(value)s, expires = now() + %(ttl)s"
            f" WHERE key = %(key)s AND value + %(value)s {compare} {bound} RETURNING true",
            key,
            amount,
            ttl,
        )

    def _ask(self, statement: str, key: str, value: int, ttl: int) -> bool:
        values = {"key": key, "value": value, "ttl": timedelta(milliseconds=ttl)}
        with connect() as connection:
            return connection.execute(statement, values).fetchone() is not None


class Reports(dramatiq.Middleware):
    """Tell the test how far a message has come."""

    def before_delay_message(
        self, broker: dramatiq.Broker, message: dramatiq.MessageProxy
    ) -> None:
        journal.note("held", message.kwargs.get("name", ""))

    def after_ack(
        self, broker: dramatiq.Broker, message: dramatiq.MessageProxy
    ) -> None:
        journal.note("over", message.kwargs.get("name", ""))

    after_nack = after_ack

    def before_enqueue(
        self, broker: dramatiq.Broker, message: dramatiq.Message[Any], delay: int | None
    ) -> None:
        sent[message.message_id] = message

    def after_enqueue(
        self, broker: dramatiq.Broker, message: dramatiq.Message[Any], delay: int | None
    ) -> None:
        word = "moved" if delay is None else "delayed"
        journal.note(word, message.kwargs.get("name", ""))
