"""TCP ports on 127.0.0.1: which are free, and which were ours last time."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this too; without it a port in TIME_WAIT looks taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    """Let the system choose a free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def accepts(port: int) -> bool:
    """Tell whether something listens on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def next_free(
    wanted: int, taken: Iterable[int] = (), free: Callable[[int], bool] = is_free
) -> int:
    """Return `wanted` or the first free port after it that is not in `taken`."""
    avoid = set(taken)
    for port in range(wanted, min(wanted + 500, 65_536)):
        if port not in avoid and free(port):
            return port
    return any_free()


class PortBook:
    """The ports that this checkout used, kept in a file.

    Links in mails and addresses of leads hold the port, so a later start takes the
    same one again where it can.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = {}
        if path.exists():
            self._ports = json.loads(path.read_text(encoding="utf-8"))

    def choose(self, name: str, default: int) -> int:
        """Return the port for `name`: last time's, else `default`, else the next."""
        others = [port for other, port in self._ports.items() if other != name]
        port = next_free(self._ports.get(name, default), others)
        if self._ports.get(name) != port:
            self._ports[name] = port
            self._path.write_text(json.dumps(self._ports, indent=1), encoding="utf-8")
        return port


def wait_for(check: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Call `check` until it holds or `seconds` have passed; tell which."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(pause)
    return check()
