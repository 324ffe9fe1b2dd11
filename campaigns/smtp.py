"""One delivery over SMTP that knows in which phase it failed.

Everything before DATA can be tried again without harm. From DATA on only a clear
answer of the server says what became of the mail; without one it is in doubt.
"""

from __future__ import annotations

from collections.abc import Callable

from campaigns.connections import connections
from campaigns.conversing import Client, Gone, address, leave, open_for, transmit
from campaigns.fates import Ended, Envelope, Fate, Outcome
from campaigns.servers import Server, resolve
from fliptech_site.connecting import Watchdog

__all__ = ["Server", "deliver", "probe", "resolve"]


def deliver(
    server: Server, envelope: Envelope, *, before_data: Callable[[], None] | None
) -> Outcome:
    """Try once to deliver, and say what became of it; network errors don't raise.

    `before_data` is called right before DATA is sent, to commit that from now on the
    fate may be unknown; whatever it raises ends the attempt and passes through. None
    says that this was committed before: DATA then goes with the addresses.
    """
    try:
        with Watchdog(server.timeouts.total) as watchdog:
            with_data = before_data is None
            client = _begin(server, envelope, watchdog, with_data=with_data)
            try:
                if before_data is not None:
                    before_data()
                outcome = transmit(client, envelope.content)
            except BaseException:
                client.close()
                raise
            connections.give_back(client)
            return outcome
    except Ended as ended:
        return ended.outcome


def probe(server: Server) -> Outcome:
    """Connect, log in and leave again: what a mail would meet before it is begun."""
    try:
        with Watchdog(server.timeouts.total) as watchdog:
            leave(_open(server, watchdog))
    except Ended as ended:
        return ended.outcome
    who = f" and knows {server.username}" if server.username else ""
    return Outcome(Fate.ACCEPTED, f"{server.place} answers{who}.")


def _begin(
    server: Server, envelope: Envelope, watchdog: Watchdog, *, with_data: bool
) -> Client:
    """Give a connection on which the server took sender and recipient. Raises Ended.

    A kept connection that has gone in the meantime is replaced: nothing was begun yet.
    """
    kept = connections.take(server)
    if kept is not None:
        kept.obey(watchdog)
        try:
            return _addressed(kept, envelope, with_data)
        except Gone:
            kept.close()
    return _addressed(_open(server, watchdog), envelope, with_data)


def _addressed(client: Client, envelope: Envelope, with_data: bool) -> Client:
    try:
        address(client, envelope, with_data=with_data)
    except Ended:
        connections.give_back(client)
        raise
    except BaseException:
        client.close()
        raise
    return client


def _open(server: Server, watchdog: Watchdog) -> Client:
    client = Client(server, resolve(server), watchdog)
    try:
        open_for(client)
    except BaseException:
        client.close()
        raise
    return client
