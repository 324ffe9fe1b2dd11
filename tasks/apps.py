"""App registration."""

from __future__ import annotations

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """The room `tasks`."""

    name = "tasks"

    def ready(self) -> None:
        """Register the system checks."""
        # Checks are registered by their import.
        from tasks import checks  # noqa: F401
