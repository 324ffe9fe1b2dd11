"""Connections to mail servers that this process keeps open from one mail to the next."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from campaigns.conversing import Client, leave
from campaigns.servers import Server

#: Seconds that an unused connection is kept: servers count the idle ones.
IDLE_SECONDS = 30.0
#: Seconds after which a connection is made anew; a name may lead elsewhere by then.
MAX_AGE_SECONDS = 300.0


@dataclass(slots=True)
class _Kept:
    client: Client
    idle_since: float


@dataclass(slots=True)
class Connections:
    """Open connections that nobody uses at the moment, the last used one on top."""

    _idle: dict[Server, list[_Kept]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sweeper: threading.Timer | None = None

    def take(self, server: Server) -> Client | None:
        """Give an open connection to this server, as far as can be seen, or None."""
        while (kept := self._pop(server)) is not None:
            # A word that nobody asked for is a goodbye; so is the end of the stream.
            if not _is_over(kept) and not kept.client.has_news:
                return kept.client
            kept.client.close()
        return None

    def give_back(self, client: Client) -> None:
        """Keep a connection for the next mail, or close it when it has done its part."""
        now = time.monotonic()
        if (
            not client.is_sound
            or client.mails >= client.server.mails_per_connection
            or now - client.opened_at > MAX_AGE_SECONDS
        ):
            leave(client)
            return
        with self._lock:
            kept = _Kept(client, now)
            self._idle.setdefault(client.server, []).append(kept)
            self._plan_sweep()

    def close_all(self) -> None:
        """Close what is kept."""
        with self._lock:
            everything = [kept for each in self._idle.values() for kept in each]
            self._idle.clear()
            if self._sweeper is not None:
                self._sweeper.cancel()
                self._sweeper = None
        for kept in everything:
            leave(kept.client)

    def _pop(self, server: Server) -> _Kept | None:
        with self._lock:
            found = self._idle.get(server)
            return found.pop() if found else None

    def _plan_sweep(self) -> None:
        if self._sweeper is None:
            self._sweeper = threading.Timer(IDLE_SECONDS, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        """Close what was not used for long; called every so often while any is kept."""
        with self._lock:
            self._sweeper = None
            over = []
            for server, found in list(self._idle.items()):
                over += [kept for kept in found if _is_over(kept)]
                self._idle[server] = [kept for kept in found if not _is_over(kept)]
                if not self._idle[server]:
                    del self._idle[server]
            if self._idle:
                self._plan_sweep()
        for kept in over:
            leave(kept.client)


def _is_over(kept: _Kept) -> bool:
    now = time.monotonic()
    return (
        now - kept.idle_since > IDLE_SECONDS
        or now - kept.client.opened_at > MAX_AGE_SECONDS
    )


#: Those of this process.
connections = Connections()
