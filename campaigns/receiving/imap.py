"""Read a mailbox over IMAP without changing it: folders are opened read-only.

Knows nothing of tables. Whatever the server does ends as one of two errors: somebody has
to put the mailbox right, or another time may be better.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import (
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
)

from campaigns.incoming.mime import MAX_BYTES
from fliptech_site.errors import PermanentError, TransientError

#: Seconds for the connection, and for each answer after that.
_TIMEOUT = SocketTimeout(connect=20, read=60)


class MailboxTrouble(PermanentError):
    """Raised when nothing can be read until somebody corrects the mailbox."""


class MessageTrouble(PermanentError):
    """Raised when the server does not give one message; the others may be read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mailbox is and how we log in."""

    host: str
    port: int
    security: str
    username: str
    password: str = ""
    #: An OAuth2 access token; used instead of the password.
    token: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """One message, cut at `MAX_BYTES`."""

    raw: bytes
    received_at: datetime
    is_cut: bool


class Session:
    """A connection that is logged in; every command reads only."""

    def __init__(self, client: IMAPClient, place: Place) -> None:
        self._client = client
        self._place = place

    def open_folder(self, name: str) -> int:
        """Open a folder for reading and give its UIDVALIDITY.

        Raises MailboxTrouble when there is none of this name.
        """
        with _translated(self._place):
            try:
                answer = self._client.select_folder(name, readonly=True)
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                raise MailboxTrouble(
                    f"{self._place} does not open the folder {name!r} ({_said(error)}):"
                    f" it has {', '.join(self._folders())[:300]}."
                ) from None
        return int(answer[b"UIDVALIDITY"])

    def new_uids(self, *, after: int, since: datetime) -> list[int]:
        """Give the UIDs above `after` of messages that came on the day of `since` or later."""
        # The server compares days of its own time zone.
        day = (since - timedelta(days=1)).date()
        with _translated(self._place):
            found = self._client.search(["UID", f"{after + 1}:*", "SINCE", day])
        # "n:*" always holds the newest message, however low its UID is.
        return sorted(uid for uid in found if uid > after)

    def fetch(self, uid: int) -> Fetched | None:
        """Give a message; None when it is not there any more.

        Raises MessageTrouble when the server refuses this one.
        """
        with _translated(self._place):
            try:
                answer = self._client.fetch(
                    [uid],
                    [f"BODY.PEEK[]<0.{MAX_BYTES}>", "RFC822.SIZE", "INTERNALDATE"],
                )
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                raise MessageTrouble(
                    f"{self._place} does not give the message {uid} ({_said(error)})."
                ) from None
        # IMAPClient may bring answers about others along.
        parts = answer.get(uid)
        if parts is None or b"BODY[]<0>" not in parts:
            return None
        raw = parts[b"BODY[]<0>"] or b""
        received_at = parts.get(b"INTERNALDATE") or datetime.now(UTC)
        if received_at.tzinfo is None:
            received_at = received_at.astimezone()
        is_cut = int(parts.get(b"RFC822.SIZE", len(raw))) > len(raw)
        return Fetched(raw, received_at, is_cut)

    def has_sent(self, message_id: str, folder: str = "") -> bool | None:
        """Say whether the folder of sent mail holds a Message-ID; None: there is none."""
        with _translated(self._place):
            name = folder or self._client.find_special_folder(b"\\Sent")
            if not name:
                return None
            self.open_folder(name)
            return bool(self._client.search(["HEADER", "Message-ID", message_id]))

    def _folders(self) -> list[str]:
        return [str(name) for _, _, name in self._client.list_folders()]


@contextmanager
def opened(place: Place) -> Iterator[Session]:
    """Log in and hand the session out; logs out again.

    Raises MailboxTrouble (log-in, certificate, folder) and TransientError (network).
    """
    with _translated(place):
        client = _connect(place)
    try:
        with _translated(place):
            _protect(client, place)
            _log_in(client, place)
        yield Session(client, place)
    finally:
        with suppress(IMAPClientError, OSError):
            client.logout()
        with suppress(IMAPClientError, OSError):
            client.shutdown()


def _connect(place: Place) -> IMAPClient:
    is_tls = place.security == "tls"
    return IMAPClient(
        place.host,
        place.port,
        ssl=is_tls,
        ssl_context=ssl.create_default_context() if is_tls else None,
        timeout=_TIMEOUT,
    )


def _protect(client: IMAPClient, place: Place) -> None:
    if place.security != "starttls":
        return
    try:
        client.starttls(ssl.create_default_context())
    except IMAPClientAbortError:
        raise
    except IMAPClientError as error:
        raise MailboxTrouble(
            f"{place} offers no STARTTLS ({_said(error)}): choose TLS or another port."
        ) from None


def _log_in(client: IMAPClient, place: Place) -> None:
    try:
        if place.token:
            client.oauth2_login(place.username, place.token)
        else:
            client.login(place.username, place.password)
    except IMAPClientAbortError:
        raise
    except (LoginError, IMAPClientError) as error:
        raise MailboxTrouble(
            f"{place} refused the log-in of {place.username} ({_said(error)}): correct"
            " the mailbox's user name and password."
        ) from None


@contextmanager
def _translated(place: Place) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise MailboxTrouble(
            f"The certificate of {place} is not valid for it ({error.verify_message})."
        ) from None
    except ConnectionRefusedError:
        raise TransientError(
            f"Nothing listens at {place}: correct host and port, or wait for the server."
        ) from None
    except TimeoutError:
        raise TransientError(f"{place} did not answer in time.") from None
    except (IMAPClientError, OSError, ValueError) as error:
        raise TransientError(
            f"The connection to {place} broke ({_said(error)})."
        ) from None


def _said(error: Exception) -> str:
    argument: Any = error.args[0] if error.args else error
    text = (
        argument.decode("utf-8", "replace")
        if isinstance(argument, bytes)
        else str(argument)
    )
    # Outside text: one line, nothing that could steer a terminal.
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:200] or type(error).__name__
