"""A web server on loopback that answers as each test wishes, by host and path."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message


@dataclass
class Reply:
    """One answer."""

    body: bytes | str = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


Responder = Reply | Callable[[], Reply]
Service = Callable[[str, str, Message, bytes], Reply]


class Web(http.server.ThreadingHTTPServer):
    """Sites under `<name>.localhost`; what nobody put there is a 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[tuple[str, str], Responder] = {}
        #: Answers every request of a host: (method, path, headers, body) -> Reply.
        self.services: dict[str, Service] = {}
        self.requests: list[tuple[str, str]] = []
        self.agents: set[str] = set()
        self.encodings: set[str] = set()
        #: The headers of the last request.
        self.headers: dict[str, str] = {}

    @property
    def port(self) -> int:
        return self.server_address[1]

    def url(self, name: str, path: str = "/") -> str:
        return f"http://{name}.localhost:{self.port}{path}"

    def put(self, name: str, path: str, body: bytes | str = b"", **options) -> str:
        self.replies[name, path] = Reply(body, **options)
        return self.url(name, path)

    def put_function(self, name: str, path: str, answer: Callable[[], Reply]) -> str:
        self.replies[name, path] = answer
        return self.url(name, path)

    def asked(self, name: str) -> list[str]:
        return [path for host, path in self.requests if host == name]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, sent: bytes) -> None:
        name = self.headers["Host"].partition(".")[0]
        self.server.requests.append((name, self.path))
        self.server.agents.add(self.headers["User-Agent"])
        self.server.encodings.add(self.headers["Accept-Encoding"])
        self.server.headers = dict(self.headers)
        if service := self.server.services.get(name):
            found: Responder = service(self.command, self.path, self.headers, sent)
        else:
            found = self.server.replies.get((name, self.path), Reply(b"no", status=404))
        reply = found() if callable(found) else found
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        for header, value in reply.headers.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def serving(web: Web) -> threading.Thread:
    thread = threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    return thread
