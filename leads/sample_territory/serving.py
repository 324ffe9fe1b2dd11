"""Serve the sample territory over HTTP on loopback, every site under its own name."""

from __future__ import annotations

import datetime
import http.server
import logging
import threading
import time
from collections import Counter
from http import HTTPStatus

from leads.sample_territory.answering import Answer, Request, answer

log = logging.getLogger(__name__)


class Territory(http.server.ThreadingHTTPServer):
    """The territory's server; it remembers how often each site was visited.

    Port 0 takes a free one; `port` then says which.
    """

    daemon_threads = True
    # Worker processes that are killed and started again open many connections at once.
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._lock = threading.Lock()
        self._visits: Counter[tuple[str, str]] = Counter()

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return self.server_address[1]

    def visits(self) -> dict[tuple[str, str], int]:
        """Return how often each (site's name, path with query) was asked for."""
        with self._lock:
            return dict(self._visits)

    def respond(self, host: str, target: str) -> Answer:
        """Note the visit and return its answer."""
        request = Request(
            host=host,
            target=target,
            port=self.port,
            today=datetime.datetime.now(tz=datetime.UTC).date(),
        )
        with self._lock:
            earlier = sum(
                count
                for (name, path), count in self._visits.items()
                if name == request.name and path != "/robots.txt"
            )
            self._visits[request.name, target] += 1
        return answer(
            Request(
                host=host,
                target=target,
                port=request.port,
                today=request.today,
                earlier_visits=earlier,
            )
        )


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SampleTerritory"
    sys_version = ""
    # An idle keep-alive connection may not hold a thread for ever.
    timeout = 30
    server: Territory

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        host = self.headers.get("Host", "").partition(":")[0]
        found = self.server.respond(host, self.path)
        if found.delay_seconds:
            time.sleep(found.delay_seconds)
        self.send_response(found.status)
        self.send_header("Content-Type", found.content_type)
        self.send_header("Content-Length", str(len(found.body)))
        for name, value in found.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(found.body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        status = int(code) if isinstance(code, HTTPStatus) else code
        log.info(
            "%s %s %s %s", self.headers.get("Host"), self.command, self.path, status
        )

    def log_message(self, format: str, *args: object) -> None:
        log.info(format, *args)
