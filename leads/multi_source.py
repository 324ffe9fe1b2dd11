"""Start scrapes of several sources side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fliptech_site.errors import InvalidInput
from tasks.declaring import RESERVED
from tasks.enqueueing import enqueue


def start_scrapes(scrapes: list[dict[str, Any]]) -> dict[str, Any]:
    """Enqueue each scrape as a task of its own and return started and refused ones.

    Each is `{"source": "craigslist", …arguments of its actor}`. One that can't be
    started is returned with the reason and never stops the others.
    """
    started, refused = [], []
    for wanted in scrapes:
        try:
            started.append(_start(wanted))
        except InvalidInput as error:
            refused.append({"scrape": wanted, "reason": str(error)})
    return {"started": started, "refused": refused}


def _start(wanted: object) -> dict[str, str]:
    if not isinstance(wanted, Mapping) or not isinstance(wanted.get("source"), str):
        raise InvalidInput(
            f"{wanted!r} names no source: write {{'source': 'craigslist', …}}."
        )
    arguments = {key: value for key, value in wanted.items() if key != "source"}
    if arguments.keys() & RESERVED:
        raise InvalidInput(f"{wanted!r} has arguments that no scrape takes.")
    task_id = enqueue(f"scrape_{wanted['source']}", **arguments)
    return {"source": wanted["source"], "task_id": str(task_id)}
