"""App registration."""

from __future__ import annotations

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """The room `tasks`."""

    name = "tasks"
