"""`manage.py scheduler`: relay, rescue and standing orders."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from tasks.scheduling import Scheduler


class Command(BaseCommand):
    help = "Run the scheduler; start two, and one stands by."

    def handle(self, *args: Any, **options: Any) -> None:
        Scheduler().run()
