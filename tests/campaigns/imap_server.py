"""A small IMAP server on loopback that fails exactly where a test says."""

from __future__ import annotations

import base64
import re
import socketserver
import threading
from datetime import UTC, datetime

#: What the server may do at a message instead of giving it.
DROP = "drop"
REFUSE = "refuse"


class Hold:
    """Makes the server wait at a message until it is released, then hang up."""

    def __init__(self):
        self.reached = threading.Event()
        self.released = threading.Event()


class Folder:
    def __init__(self, flags=""):
        self.uidvalidity = 1
        self.flags = flags
        self.next_uid = 1
        #: UID -> (raw, when it came)
        self.messages = {}

    def add(self, raw, at=None):
        uid, self.next_uid = self.next_uid, self.next_uid + 1
        self.messages[uid] = (raw, at or datetime.now(UTC))
        return uid

    def made_anew(self):
        """What a restore from a backup does: other UIDs, another validity."""
        kept = [*self.messages.values()]
        self.uidvalidity += 1
        self.messages, self.next_uid = {}, 1
        for raw, at in kept:
            self.add(raw, at)


class ImapServer:
    """Answers IMAP4rev1 as far as a reader asks; notes every command.

    `at` maps a UID to DROP (the connection breaks there), REFUSE or a Hold.
    """

    def __init__(self, *, password="secret", token="tok-1"):
        self.password, self.token = password, token
        self.folders = {"INBOX": Folder(), "Gesendet": Folder("\\Sent")}
        self.at = {}
        self.commands = []

    @property
    def inbox(self):
        return self.folders["INBOX"]

    def __enter__(self):
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 30
            disable_nagle_algorithm = True

            def handle(self):
                try:
                    _Session(outer, self).run()
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Session:
    def __init__(self, server, handler):
        self.server, self.handler, self.folder = server, handler, None

    def say(self, line):
        self.handler.wfile.write(line.encode() + b"\r\n")

    def run(self):
        self.say("* OK here")
        while line := self.handler.rfile.readline():
            text = line.decode().rstrip("\r\n")
            self.server.commands.append(text)
            tag, _, rest = text.partition(" ")
            word, _, arguments = rest.partition(" ")
            if word.upper() == "UID":
                word, _, arguments = arguments.partition(" ")
            if not getattr(self, f"do_{word.lower()}", self.unknown)(tag, arguments):
                return

    def unknown(self, tag, _arguments):
        self.say(f"{tag} BAD unknown command")
        return True

    def do_capability(self, tag, _):
        self.say("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SPECIAL-USE")
        self.say(f"{tag} OK done")
        return True

    def do_login(self, tag, arguments):
        user_ok = arguments.endswith(f'"{self.server.password}"')
        self.say(f"{tag} {'OK done' if user_ok else 'NO [AUTHENTICATIONFAILED] wrong'}")
        return True

    def do_authenticate(self, tag, _):
        self.say("+ ")
        given = base64.b64decode(self.handler.rfile.readline()).decode()
        is_right = f"auth=Bearer {self.server.token}\x01" in given
        self.say(f"{tag} {'OK done' if is_right else 'NO expired'}")
        return True

    def do_list(self, tag, _):
        for name, folder in self.server.folders.items():
            self.say(f'* LIST ({folder.flags}) "/" "{name}"')
        self.say(f"{tag} OK done")
        return True

    def do_namespace(self, tag, _):
        self.say('* NAMESPACE (("" "/")) NIL NIL')
        self.say(f"{tag} OK done")
        return True

    def do_examine(self, tag, arguments):
        self.folder = self.server.folders.get(arguments.strip('"'))
        if self.folder is None:
            self.say(f"{tag} NO no such folder")
            return True
        self.say(f"* {len(self.folder.messages)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.folder.uidvalidity}] UIDs valid")
        self.say(f"{tag} OK [READ-ONLY]")
        return True

    def do_search(self, tag, arguments):
        found = sorted(self.folder.messages)
        if wanted := re.search(r"UID (\d+):\*", arguments):
            first = int(wanted[1])
            above = [uid for uid in found if uid >= first]
            found = above or found[-1:]  # As RFC 3501 has it for "n:*".
        if since := re.search(r"SINCE (\S+)", arguments):
            day = datetime.strptime(since[1], "%d-%b-%Y").date()
            messages = self.folder.messages
            found = [uid for uid in found if messages[uid][1].date() >= day]
        if header := re.search(r'HEADER "?Message-ID"? "?([^"\s]+)"?', arguments):
            messages = self.folder.messages
            found = [u for u in found if header[1].encode() in messages[u][0]]
        self.say("* SEARCH" + "".join(f" {uid}" for uid in found))
        self.say(f"{tag} OK done")
        return True

    def do_fetch(self, tag, arguments):
        uid = int(arguments.split(" ")[0])
        fate = self.server.at.get(uid)
        if isinstance(fate, Hold):
            fate.reached.set()
            fate.released.wait(30)
            return False
        if fate == DROP:
            return False
        if fate == REFUSE:
            self.say(f"{tag} NO it is damaged")
            return True
        if uid in self.folder.messages:
            raw, at = self.folder.messages[uid]
            size = int(re.search(r"BODY\.PEEK\[\]<0\.(\d+)>", arguments)[1])
            number = sorted(self.folder.messages).index(uid) + 1
            day = at.strftime("%d-%b-%Y %H:%M:%S +0000")
            head = (
                f"* {number} FETCH (UID {uid} RFC822.SIZE {len(raw)}"
                f' INTERNALDATE "{day}" BODY[]<0> {{{len(raw[:size])}}}\r\n'
            )
            self.handler.wfile.write(head.encode() + raw[:size] + b")\r\n")
        self.say(f"{tag} OK done")
        return True

    def do_logout(self, tag, _):
        self.say("* BYE")
        self.say(f"{tag} OK done")
        return False
