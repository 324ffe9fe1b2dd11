"""Bring the database up to date and make the admin user; runs with Django's settings.

A process of its own, so that the launcher needs no Django and one import of Django
serves all steps.
"""

from __future__ import annotations

import os
import secrets
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db.utils import OperationalError

from deploy.local import screen

ADMIN = "admin"


def make_admin() -> None:
    """Make the admin user with a random password, once, and show the password."""
    from django.contrib.auth import get_user_model

    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        screen.say(
            "    The admin user exists. A new password:"
            f" ./deploy/manage.sh changepassword {ADMIN}"
        )
        return
    password = secrets.token_urlsafe(12)
    os.environ["DJANGO_SUPERUSER_PASSWORD"] = password
    call_command(
        "createsuperuser",
        interactive=False,
        username=ADMIN,
        email="admin@localhost",
        verbosity=0,
    )
    screen.say(
        f"    Admin user {screen.paint(ADMIN, 'bold')}, password"
        f" {screen.paint(password, 'bold')} (shown only now)."
    )


def main() -> int:
    """Migrate, make the admin and load the sample; return the exit code."""
    try:
        django.setup()
        call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
        make_admin()
        call_command("sample", "load", stdout=sys.stderr)
    except ImproperlyConfigured as error:
        screen.fail(f"Configuration: {error}")
        return 1
    except CommandError as error:
        screen.fail(str(error))
        return 1
    except OperationalError as error:
        screen.fail(f"PostgreSQL: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
