"""Ask the servers that a person named whether they answer; say what to do if not."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pika
import pika.exceptions
import psycopg

from tasks.addressing import BadAddress, connection_parameters, reason_of
from tasks.examining import too_old

#: PostgreSQL versions below this lack what the ledger's queries use.
MINIMUM_POSTGRES = 150_000


def without_password(url: str) -> str:
    """Return the address as it may be shown and logged."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def postgres_problem(url: str) -> str | None:
    """Return what is wrong with the PostgreSQL at `url` and what to do, or None."""
    if urlsplit(url).scheme not in ("postgres", "postgresql"):
        return (
            f"DATABASE_URL is {without_password(url)!r}: it has to look like"
            " postgresql://user:password@host:5432/name."
        )
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        return (
            f"PostgreSQL does not answer at {without_password(url)} ({reason}): start"
            " it, correct DATABASE_URL, or unset it to have one started here."
        )
    if version < MINIMUM_POSTGRES:
        return (
            f"PostgreSQL at {without_password(url)} is version {version // 10_000}:"
            " 15 or newer is needed."
        )
    return None


def rabbitmq_problem(url: str) -> str | None:
    """Return what is wrong with the RabbitMQ at `url` and what to do, or None.

    Of several addresses (separated by semicolons) one has to answer.
    """
    problems = []
    for part in url.split(";"):
        problem = _broker_problem(part.strip())
        if problem is None:
            return None
        problems.append(problem)
    return problems[0]


def _broker_problem(url: str) -> str | None:
    if urlsplit(url).scheme not in ("amqp", "amqps"):
        return (
            f"RABBITMQ_URL is {without_password(url)!r}: it has to look like"
            " amqp://user:password@host:5672/vhost."
        )
    try:
        with pika.BlockingConnection(connection_parameters(url)) as connection:
            return too_old(connection)
    except BadAddress as error:
        return f"{error}"
    except (pika.exceptions.AMQPError, OSError) as error:
        return (
            f"RabbitMQ does not answer at {without_password(url)}"
            f" ({reason_of(error)}): start it, correct RABBITMQ_URL, or unset it to"
            " have one started here."
        )
