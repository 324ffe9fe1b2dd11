"""A name server on this machine whose records a test decides."""

from __future__ import annotations

import socketserver
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset


class NameServer:
    """Answers TXT questions over UDP; `texts` maps a name to its records."""

    def __init__(self, texts=None):
        self.texts = {name.lower(): list(each) for name, each in (texts or {}).items()}

    def __enter__(self):
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                wire, socket = self.request
                socket.sendto(outer.answer(wire), self.client_address)

        self._server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, wire):
        asked = dns.message.from_wire(wire)
        told = dns.message.make_response(asked)
        told.flags |= dns.flags.RA
        (question,) = asked.question
        name = question.name.to_text(omit_final_dot=True).lower()
        texts = self.texts.get(name)
        if texts is None:
            told.set_rcode(dns.rcode.NXDOMAIN)
        elif texts and dns.rdatatype.to_text(question.rdtype) == "TXT":
            rows = [quoted(text) for text in texts]
            told.answer.append(
                dns.rrset.from_text(question.name, 60, "IN", "TXT", *rows)
            )
        return told.to_wire()


def quoted(text):
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))


def resolver_at(port, lifetime=2.0):
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = port
    resolver.lifetime = lifetime
    return resolver
