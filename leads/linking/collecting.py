"""Spare the garbage collector many profiles, none of which is garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collecting() -> Iterator[None]:
    """Collect no garbage inside, and afterwards that of what was made inside only.

    The collector would look through all profiles again and again; that took a quarter
    of the matching. Holds for the whole process.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
            gc.collect(0)
