"""App registration."""

from __future__ import annotations

from django.apps import AppConfig


class DemosConfig(AppConfig):
    """The room `demos`."""

    name = "demos"
