"""The local mail sink: an SMTP server that keeps every mail as a row."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import DatabaseError, connection

from campaigns.models import SinkMessage

MAX_BYTES = 10_000_000


class Sink(Controller):
    """aiosmtpd's server in a thread of its own; `port` is the real one once started."""

    def _trigger_server(self) -> None:
        # aiosmtpd asks the port for a first connection, and port 0 is none.
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def sink_server(host: str, port: int) -> Sink:
    """Give a sink to start and stop; port 0 takes a free one."""
    return Sink(
        _Keeper(),
        hostname=host,
        port=port,
        data_size_limit=MAX_BYTES,
        server_hostname="sink.localhost",
        ready_timeout=10.0,
    )


class _Keeper:
    """Answers the final dot with 250 once the row is committed."""

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        try:
            await asyncio.to_thread(
                _keep_in_thread, envelope.mail_from or "", list(envelope.rcpt_tos), raw
            )
        except DatabaseError:
            return "451 4.3.0 The sink's database is away; try again later"
        return "250 2.0.0 Kept"


def keep(envelope_from: str, recipients: list[str], raw: bytes) -> list[SinkMessage]:
    """Keep a mail, one row for each recipient."""
    message: EmailMessage = message_from_bytes(raw, policy=default)
    return SinkMessage.objects.bulk_create(
        [
            SinkMessage(
                envelope_from=_text(envelope_from, 320),
                to=_text(recipient, 320),
                from_header=_header(message, "From", 500),
                subject=_header(message, "Subject", 500),
                message_id=_header(message, "Message-ID", 300),
                raw=raw,
            )
            for recipient in recipients
        ]
    )


def _keep_in_thread(envelope_from: str, recipients: list[str], raw: bytes) -> None:
    try:
        keep(envelope_from, recipients, raw)
    finally:
        # The thread belongs to a pool that nobody tells Django about.
        connection.close()


def _header(message: EmailMessage, name: str, limit: int) -> str:
    value: Any = message.get(name, "")
    return _text(str(value), limit)


def _text(value: str, limit: int) -> str:
    return value.encode("utf-8", "replace").decode().replace("\x00", "")[:limit]
