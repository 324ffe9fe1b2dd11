"""App registration."""

from __future__ import annotations

from django.apps import AppConfig


class ActorsConfig(AppConfig):
    """The room `actors`."""

    name = "actors"
