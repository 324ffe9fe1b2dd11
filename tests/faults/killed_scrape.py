"""Run a scrape in a process of its own that kills itself at one place, once.

`python -m tests.faults.killed_scrape WHAT PLACE MARK`: `WHAT` is JSON of the function
and its arguments, `PLACE` is `module:function` and `:before` or `:after`, and `:N` for
its N-th call; the file `MARK` says that it has happened. Never imported by the product.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings


def main(what: str, place: str, mark: str) -> None:
    """Scrape, and die on the way unless the mark is there."""
    django.setup()
    # No setting of an installation, as nobody but tests has boards elsewhere.
    settings.JOB_BOARD_URLS = json.loads(os.environ["JOB_BOARD_URLS"])
    if place and not Path(mark).exists():
        _arm(place, Path(mark))
    told = json.loads(what)
    module = importlib.import_module(told["module"])
    print(getattr(module, told["function"])(**told["arguments"]))


def _arm(place: str, mark: Path) -> None:
    name, function, moment, number = place.split(":")
    module = importlib.import_module(name)
    original = getattr(module, function)
    calls = 0

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if moment == "before" and calls == int(number):
            _die(mark)
        result = original(*args, **kwargs)
        if moment == "after" and calls == int(number):
            _die(mark)
        return result

    setattr(module, function, wrapped)


def _die(mark: Path) -> None:
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
