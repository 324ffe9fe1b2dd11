#!/usr/bin/env python
"""Run management commands: `./manage.py help` lists them."""

from __future__ import annotations

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError


def main() -> None:
    """Run the command; a wrong setting ends in one sentence, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fliptech_site.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration: {error}")
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        # Only what says that no connection was made; anything else is a fault of ours.
        if "connection" not in reason:
            raise
        sys.exit(
            f"Database: {reason}. Start PostgreSQL, correct DATABASE_URL, or let"
            " ./deploy/quickstart.sh run one."
        )


if __name__ == "__main__":
    main()
