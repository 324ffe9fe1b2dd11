"""A system check of what the room needs from the machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register
def check_demo_root(**_: Any) -> list[CheckMessage]:
    """Warn when DEMO_ROOT, or the folder it would be made in, can't be written."""
    root = Path(settings.DEMO_ROOT)
    nearest = next(folder for folder in (root, *root.parents) if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return []
    return [
        Warning(
            f"Demo sites can't be published: {nearest} can't be written.",
            hint="Set VAR_DIR to a folder that this user may write to,"
            " or give this user the right to write there.",
            id="demos.W001",
        )
    ]
