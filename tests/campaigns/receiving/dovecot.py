"""A Dovecot of a test's own, on loopback: what our own server is held against."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

from imapclient import IMAPClient

PROGRAM = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

_CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{folder}/mail
mail_uid = {mail_user}
mail_gid = {mail_group}
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={folder}/home
}}
namespace inbox {{
  inbox = yes
  mailbox Gesendet {{
    auto = create
    special_use = \\Sent
  }}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


class Dovecot:
    """Runs until the end of the block; `add` delivers a message as a client would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def __enter__(self):
        me = pwd.getpwuid(os.getuid()).pw_name
        # It serves mail to nobody with root's rights.
        mail = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        for name in ("run", "mail", "home"):
            (self.folder / name).mkdir(parents=True)
            if os.getuid() == 0:
                os.chown(self.folder / name, mail.pw_uid, mail.pw_gid)
        if os.getuid() == 0:
            for parent in [self.folder, *self.folder.parents]:
                if not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)
        config = self.folder / "dovecot.conf"
        config.write_text(
            _CONFIG.format(
                folder=self.folder, port=self.port,
                user=me if os.getuid() else "dovenull", group=self._group(),
                mail_user=mail.pw_uid, mail_group=mail.pw_gid,
            )
        )  # fmt: skip
        self._process = subprocess.Popen([PROGRAM, "-F", "-c", str(config)])
        self._wait()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)

    def _group(self):
        return "dovenull" if os.getuid() == 0 else grp.getgrgid(os.getgid()).gr_name

    def _wait(self):
        ends_at = time.monotonic() + 15
        while time.monotonic() < ends_at and self._process.poll() is None:
            with contextlib.suppress(OSError), self.client():
                return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    @contextlib.contextmanager
    def client(self):
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=10)
        try:
            client.login("ada", "secret")
            yield client
        finally:
            client.shutdown()

    def add(self, raw, folder="INBOX"):
        with self.client() as client:
            client.append(folder, raw)
