"""System checks of the room: settings that are wrong only together."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from tasks.declaring import load_actors

#: Characters below which a key could be guessed.
SHORTEST_KEY = 32


@register
def check_task_keys(**_: Any) -> list[CheckMessage]:
    """Find encrypted actors without a key, and keys that could be guessed."""
    encrypted = sorted(
        name
        for name, declared in load_actors().items()
        if declared.options.get("encrypted")
    )
    found: list[CheckMessage] = []
    if encrypted and not settings.TASK_KEYS:
        found.append(
            Error(
                f"The actors {', '.join(encrypted)} are encrypted and TASK_KEYS is empty.",
                hint="Give TASK_KEYS a long random text, the same for all processes.",
                id="tasks.E002",
            )
        )
    if any(len(word) < SHORTEST_KEY for word in settings.TASK_KEYS):
        found.append(
            Warning(
                f"A key in TASK_KEYS is shorter than {SHORTEST_KEY} characters.",
                hint="Put a longer random one before it, then `manage.py task rekey`.",
                id="tasks.W001",
            )
        )
    return found
