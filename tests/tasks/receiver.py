"""A receiver of webhooks on loopback, which answers as each test wishes."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tasks import claiming
from tasks.enqueueing import enqueue
from tasks.following import follow_ends


@dataclass
class Answer:
    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver(http.server.ThreadingHTTPServer):
    """Takes the answers in turn; the last one stands for all that follow."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[Got] = []
        self.answers: list[Answer | Callable[[], Answer]] = [Answer()]
        self.lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """Senders may hang up before the end of an answer."""

    @property
    def host_port(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host_port}/hook"

    def answer(self, *answers: Answer | Callable[[], Answer]) -> None:
        self.answers = list(answers)

    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.got]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            self.server.got.append(Got(self.path, headers, body))
            answers = self.server.answers
            chosen = answers.pop(0) if len(answers) > 1 else answers[0]
        answer = chosen() if callable(chosen) else chosen
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join()


def end(result=None, **options):
    """Enqueue and end a task, and follow its end."""
    task_id = enqueue("trial_add", a=1, b=2, **options)
    claiming.succeed(claiming.claim(task_id, None), result)
    follow_ends()
    return task_id
