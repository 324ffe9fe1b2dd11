"""The line to RabbitMQ, in the hands of a test: cut it, refuse it, let it hang.

A TCP proxy on loopback. The server behind it is real and well; what fails is what fails
in the field: a connection drops, new ones are refused, packets get through no more.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from deploy.local import ports

#: How a client asks for deliveries: frame type METHOD … class 60 (basic), method 20.
_BASIC_CONSUME = b"\x00\x3c\x00\x14"


@dataclass(eq=False)
class _Link:
    """One connection: the client's side, the server's, and whether data passes."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_consumer: bool = False
    upward: asyncio.Event = field(default_factory=asyncio.Event)
    downward: asyncio.Event = field(default_factory=asyncio.Event)

    def cut(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()


class Wire:
    """Listens on a port of its own and passes on to a server on this machine."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.port = ports.any_free()
        self._links: set[_Link] = set()
        self._is_refusing = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- faults -------------------------------------------------------------------

    def cut(self) -> None:
        """Drop every connection; new ones are taken."""
        self._each(lambda link: link.cut())

    def refuse_publishing(self) -> None:
        """Drop the connections that only publish, and refuse new ones.

        A worker can go on consuming, and acknowledge.
        """
        self._is_refusing = True
        self._each(lambda link: None if link.is_consumer else link.cut())

    def go_down(self) -> None:
        """Be away, as a server that has stopped: drop all and refuse new ones."""
        self._is_refusing = True
        self.cut()

    def come_back(self) -> None:
        """Take new connections again; what hangs is dropped."""
        self._is_refusing = False
        self._each(lambda link: None if self._passes(link) else link.cut())

    def hang_consumers(self) -> None:
        """Let nothing through between consumers and the server, in either direction."""

        def hang(link: _Link) -> None:
            if link.is_consumer:
                link.upward.clear()
                link.downward.clear()

        self._each(hang)

    def hang_confirms(self) -> None:
        """Let publishing through, and none of the server's answers."""
        self._each(lambda link: link.downward.clear())

    @staticmethod
    def _passes(link: _Link) -> bool:
        return link.upward.is_set() and link.downward.is_set()

    # --- the loop -------------------------------------------------------------------

    def _do(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)

    def _each(self, act: Callable[[_Link], None]) -> None:
        async def work() -> None:
            for link in list(self._links):
                act(link)

        self._do(work)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._accept, ports.LOOPBACK, self.port
        )

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._is_refusing:
            writer.transport.abort()
            return
        try:
            from_server, server = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(client=writer, server=server)
        link.upward.set()
        link.downward.set()
        self._links.add(link)
        for work in (
            self._pass_up(link, reader),
            self._pass_down(link, from_server),
        ):
            task = asyncio.ensure_future(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_up(self, link: _Link, reader: asyncio.StreamReader) -> None:
        def look(data: bytes) -> None:
            if _BASIC_CONSUME in data:
                link.is_consumer = True

        await self._pass(link, reader, link.server, link.upward, look)

    async def _pass_down(self, link: _Link, reader: asyncio.StreamReader) -> None:
        await self._pass(link, reader, link.client, link.downward, lambda data: None)

    async def _pass(
        self,
        link: _Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        may_pass: asyncio.Event,
        look: Callable[[bytes], None],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                look(data)
                await may_pass.wait()
                writer.write(data)
                await writer.drain()
        self._links.discard(link)
        link.cut()
