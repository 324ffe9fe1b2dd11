"""What `manage.py explain` can explain; the rooms bring it, settings name it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.module_loading import import_string


class Explainer(Protocol):
    """One thing that can be explained from files, without a network or a database."""

    #: What it explains, in a line of the command's help.
    help: str

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments beside --json."""

    def explain(self, **options: Any) -> Iterable[dict[str, Any]]:
        """Give one plain object for each line of the answer.

        What can't be read is an object with `outcome` error and a reason.
        """


def explainers() -> dict[str, Explainer]:
    """Give all explainers by the word that calls them."""
    return {name: import_string(path)() for name, path in settings.EXPLAINERS.items()}
