"""An HTTP server whose every answer a test decides, and that keeps what it was asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl

#: What the server may be told to do instead of answering.
DROP = "drop"
STALL = "stall"


class Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        return dict(parse_qsl(self.body.decode()))


class WebServer:
    """Answers each request with what `answer(asked)` returns.

    That is DROP, STALL, a status, or a status, a value that is told as JSON (bytes as
    they are) and headers; a list of such is used up one by one, its last one for ever.
    """

    def __init__(self, answer=200):
        self.answer = answer
        self.asked = []
        self.released = threading.Event()

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                length = int(self.headers.get("content-length", 0))
                asked = Asked(
                    self.command,
                    self.path,
                    {key.lower(): value for key, value in self.headers.items()},
                    self.rfile.read(length),
                )
                outer.asked.append(asked)
                self.tell(outer.next_answer(asked))

            def do_GET(self):
                self.do_POST()

            def tell(self, answer):
                self.close_connection = True
                if answer == STALL:
                    outer.released.wait(30)
                if answer in (DROP, STALL):
                    return
                told = list(answer) if isinstance(answer, tuple) else [answer]
                status, value, headers = [*told, {}, {}][:3]
                body = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                headers = {"Content-Type": "application/json", **headers}
                for name, each in headers.items():
                    self.send_header(name, each)
                self.send_header("Content-Length", str(len(body)))
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_answer(self, asked):
        answer = self.answer
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer(asked) if callable(answer) else answer
