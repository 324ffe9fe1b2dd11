"""A mail server under fire, as a process: drops, refuses, stalls, and keeps the truth.

What becomes of a mail's n-th attempt is decided by the seed, the recipient and n alone.
Every arrival and every cut is a line of its journal, written before anybody is answered:
`arrived TO`, `cut TO` (before DATA) or `doubtful TO` (from DATA on).

`python -m tests.faults.mail_fire JOURNAL SEED` prints its port and serves until killed;
with `calm` behind, everything arrives.
"""

from __future__ import annotations

import os
import random
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

#: What happens to an attempt, and how often in a thousand; the rest arrives.
FATES: dict[str, int] = {
    "drop at MAIL": 15,
    "drop at RCPT": 15,
    "451 at RCPT": 40,
    "550 at RCPT": 25,
    "drop at DATA": 10,
    "drop in the content": 10,
    "452 at the dot": 30,
    "554 at the dot": 15,
    # The mail has arrived, and the sender does not learn of it.
    "drop at the dot": 15,
    "stall at RCPT": 3,
    "stall at the dot": 3,
}
#: Seconds between the arrival of a mail and the answer, as over a network: whoever is
#: killed, is mostly killed in between.
ANSWER_SECONDS = 0.04
#: Seconds that a stalled connection is kept before it is dropped.
STALL_SECONDS = 2.0


class Fire:
    """The dice and the journal of all sessions."""

    def __init__(self, journal: str, seed: str, *, is_calm: bool = False) -> None:
        self._seed = seed
        self._fates = {} if is_calm else FATES
        self._attempts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def fate_of(self, recipient: str) -> str:
        """Decide about the next attempt at a recipient; blank lets it arrive."""
        with self._lock:
            self._attempts[recipient] += 1
            number = self._attempts[recipient]
        dice = random.Random(f"{self._seed} {recipient} {number}")
        names = [*self._fates, ""]
        weights = [*self._fates.values(), 1000 - sum(self._fates.values())]
        return dice.choices(names, weights)[0]

    def note(self, what: str, recipient: str) -> None:
        """Write a line; one small O_APPEND write is never torn by another."""
        os.write(self._file, f"{what} {recipient}\n".encode())


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    fire: Fire
    timeout = 120
    disable_nagle_algorithm = True
    recipient = ""
    fate = ""

    def handle(self) -> None:
        """Answer until the other side leaves, or the dice say so."""
        steps: dict[str, Callable[[], bool]] = {
            "MAIL": lambda: self._say("250 ok"),
            "DATA": self._data,
            "QUIT": lambda: self._say("221 bye") and False,
        }
        try:
            self._say("220 fire")
            while line := self.rfile.readline():
                verb = line[:4].decode("latin-1").upper()
                if verb == "EHLO":
                    going_on = self._say("250-fire\r\n250 PIPELINING")
                elif verb == "RCPT":
                    going_on = self._rcpt(line.decode().partition("<")[2])
                else:
                    going_on = steps.get(verb, lambda: self._say("250 ok"))()
                if not going_on:
                    return
        except OSError:
            return

    def _say(self, answer: str) -> bool:
        self.wfile.write(f"{answer}\r\n".encode())
        return True

    def _rcpt(self, rest: str) -> bool:
        self.recipient = rest.partition(">")[0]
        self.fate = self.fire.fate_of(self.recipient)
        # The sender is known by its recipient only: this is the drop at MAIL, too.
        if self.fate in ("drop at MAIL", "drop at RCPT", "stall at RCPT"):
            if self.fate.startswith("stall"):
                time.sleep(STALL_SECONDS)
            self.fire.note("cut", self.recipient)
            return False
        if self.fate == "451 at RCPT":
            return self._say("451 4.7.1 greylisted")
        if self.fate == "550 at RCPT":
            return self._say("550 5.1.1 no such user")
        return self._say("250 ok")

    def _data(self) -> bool:
        if self.fate == "drop at DATA":
            self.fire.note("doubtful", self.recipient)
            return False
        self._say("354 go on")
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            if self.fate == "drop in the content":
                self.fire.note("doubtful", self.recipient)
                return False
        return self._dot()

    def _dot(self) -> bool:
        if self.fate == "452 at the dot":
            return self._say("452 4.3.1 full")
        if self.fate == "554 at the dot":
            return self._say("554 5.6.0 no")
        self.fire.note("arrived", self.recipient)
        if self.fate in ("drop at the dot", "stall at the dot"):
            if self.fate.startswith("stall"):
                time.sleep(STALL_SECONDS)
            self.fire.note("doubtful", self.recipient)
            return False
        time.sleep(ANSWER_SECONDS)
        return self._say("250 kept")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Serve until killed."""
    journal, seed, *calm = sys.argv[1:]
    Session.fire = Fire(journal, seed, is_calm=calm == ["calm"])
    with _Server(("127.0.0.1", 0), Session) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
