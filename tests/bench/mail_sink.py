"""The server that takes all mail and keeps none: postfix's smtp-sink."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import ports
from deploy.local.processes import Processes, Program
from deploy.local.screen import LaunchError
from tests.bench.servers import ROOT


@contextmanager
def running_sink(folder: Path) -> Iterator[int]:
    """Start it on a free port of loopback; gives the port. Raises LaunchError."""
    program = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise LaunchError(
            "smtp-sink is missing, to which all mail is sent: install it with"
            " `apt-get install postfix`, which need not be started."
        )
    port = ports.any_free()
    place = folder / "sink"
    (place / "log").mkdir(parents=True)
    processes = Processes(ROOT, place)
    # It refuses to stay root.
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    command = (program, *user, f"{ports.LOOPBACK}:{port}", "1024")
    try:
        processes.start(Program("smtp-sink", command, os.environ, place, rank=1))
        processes.wait_until("smtp-sink", lambda: ports.accepts(port), seconds=20)
        yield port
    finally:
        processes.stop()
