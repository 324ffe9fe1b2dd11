"""How the processes log: one line each, to standard error."""

from __future__ import annotations

import sys
from typing import Any


def logging_to_stderr(level: str) -> dict[str, Any]:
    """Give Django's `LOGGING` for this level, such as "INFO"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "format": "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": sys.stderr,
                "formatter": "line",
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        # pika logs a dozen errors for each connection it can't make, and raises it as well.
        "loggers": {"pika": {"level": "CRITICAL"}},
    }
