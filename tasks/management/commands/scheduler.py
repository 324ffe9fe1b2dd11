"""`manage.py scheduler`: relay, rescue and standing orders."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from tasks.scheduling import Scheduler


class Command(BaseCommand):
    # A server that is away, or a check that asks one, must not keep this from starting.
    requires_system_checks = ()
    help = "Run the scheduler; start two, and one stands by."

    def handle(self, *args: Any, **options: Any) -> None:
        Scheduler().run()
