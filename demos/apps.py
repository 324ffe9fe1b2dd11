"""App registration."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class DemosConfig(AppConfig):
    """The room `demos`."""

    name = "demos"

    def ready(self) -> None:
        """Register the system checks."""
        import_module("demos.checks")
