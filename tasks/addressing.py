"""Read RABBITMQ_URL: one or several hosts, with TLS, never without a heartbeat."""

from __future__ import annotations

import pika

#: Seconds to wait for a connection; a publisher that hangs helps nobody.
CONNECT_SECONDS = 3


def connection_parameters(url: str) -> list[pika.URLParameters]:
    """Return pika's parameters for each host of `url`, separated by semicolons."""
    parameters = []
    for part in url.split(";"):
        one = pika.URLParameters(part.strip())
        one.socket_timeout = CONNECT_SECONDS
        one.stack_timeout = CONNECT_SECONDS * 2
        one.blocked_connection_timeout = 30
        if one.heartbeat is None:
            one.heartbeat = 60
        parameters.append(one)
    return parameters
