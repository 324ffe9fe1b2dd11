"""A real SMTP server on loopback that fails exactly where a test says."""

from __future__ import annotations

import socketserver
import ssl
import threading

#: What the server may be told to do at a step instead of answering.
DROP = "drop"
STALL = "stall"


class MailServer:
    """Answers SMTP; `script` maps a step to an answer, DROP or STALL.

    Steps: greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, body, dot, QUIT. A mail counts as
    arrived when the final dot did, as for RFC 1047, whatever the answer was; a refusal
    to the dot takes it back. `on` calls a function when a step is reached. After
    `mails_per_session` mails a connection is closed, as some providers do.
    """

    def __init__(
        self, script=None, *, on=None, tls=None, offers=(), mails_per_session=None
    ):
        self.mails_per_session = mails_per_session
        self.session_ended = threading.Event()
        self.script = dict(script or {})
        self.on = dict(on or {})
        self.offers = list(offers)
        self.tls = tls
        self.mails = []
        self.commands = []
        self.sessions = 0
        self.released = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self):
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 30

            def handle(self):
                outer.sessions += 1
                session = _Session(outer, self)
                try:
                    session.run()
                except OSError:
                    pass
                finally:
                    session.close()
                    self.connection.close()
                    outer.session_ended.set()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def keep(self, recipient, content):
        with self._lock:
            self.mails.append((recipient, content))

    def take_back(self, recipient, content):
        with self._lock:
            self.mails.remove((recipient, content))

    def judge(self, verb, text):
        """Answer a command in another way; None leaves it to the script."""
        return

    def mails_to(self, recipient):
        return [content for to, content in self.mails if to == recipient]


class Moody(MailServer):
    """Answers as told when a connection is used a second time."""

    def __init__(self, second, **options):
        super().__init__(**options)
        self.second = second
        self.is_second = False

    def judge(self, verb, text):
        return self.second.get(verb) if self.is_second else None


class _Session:
    def __init__(self, server, handler):
        self.server = server
        self.handler = handler
        self.recipient = ""
        self.count = 0

    def run(self):
        if not self.answer("greeting", "220 test ESMTP"):
            return
        while line := self.handler.rfile.readline():
            text = line.decode("utf-8", "replace").strip()
            verb = text.split(" ")[0].upper()
            self.server.commands.append(" ".join([verb, *text.split(" ")[1:]]))
            if not self.command(verb, text):
                return

    def command(self, verb, text):
        if judged := self.server.judge(verb, text):
            return self.answer(verb, judged)
        if verb == "EHLO":
            lines = ["test", *self.server.offers]
            shown = [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]
            return self.answer("EHLO", "\r\n".join(shown))
        if verb == "STARTTLS":
            if not self.answer("STARTTLS", "220 go"):
                return False
            self.wrap()
            return True
        if verb == "AUTH":
            return self.answer("AUTH", "235 ok")
        if verb == "RCPT":
            self.recipient = text.partition("<")[2].partition(">")[0]
            return self.answer("RCPT", "250 ok")
        if verb == "DATA":
            return self.data()
        if verb == "QUIT":
            self.answer("QUIT", "221 bye")
            return False
        return self.answer(verb, "250 ok")

    def data(self):
        # Asked before the answer: a test may change the script as soon as it has it.
        is_refused = self.server.script.get("DATA", "354").startswith(("4", "5"))
        if not self.answer("DATA", "354 go"):
            return False
        if is_refused:
            return True
        lines = []
        while (line := self.handler.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line[1:] if line.startswith(b"..") else line)
            if self.server.script.get("body") == DROP:
                return False
        content = b"".join(lines)
        self.server.keep(self.recipient, content)
        told = self.server.script.get("dot", "250 kept")
        if told.startswith(("4", "5")):
            self.server.take_back(self.recipient, content)
        self.count += 1
        is_last = self.count == self.server.mails_per_session
        return self.answer("dot", "250 kept") and not is_last

    def answer(self, step, usual):
        if step in self.server.on:
            self.server.on[step]()
        told = self.server.script.get(step, usual)
        if told == DROP:
            return False
        if told == STALL:
            self.server.released.wait(30)
            return False
        self.handler.wfile.write(f"{told}\r\n".encode())
        return True

    def close(self):
        if isinstance(self.handler.connection, ssl.SSLSocket):
            self.handler.rfile.close()
            self.handler.wfile.close()
            self.handler.connection.close()

    def wrap(self):
        tls = self.server.tls.wrap_socket(self.handler.connection, server_side=True)
        self.handler.connection = tls
        self.handler.rfile = tls.makefile("rb")
        self.handler.wfile = tls.makefile("wb", 0)


def server_tls(certificate_file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file)
    return context
