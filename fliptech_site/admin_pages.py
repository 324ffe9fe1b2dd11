"""Django's admin, whose pages only the web process and the checks import.

They bring the forms, charts and sources of all rooms: 30 MB that a worker, a scheduler
or a command has no use for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks
from django.http import HttpRequest
from django.templatetags.static import static


class AdminPages(SimpleAdminConfig):
    """Admin without Django's import of every `admin` module at the start."""

    def ready(self) -> None:
        """Let the checks see all pages; `urls` imports them for the web process."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_all_pages, checks.Tags.admin)


def own_styles(request: HttpRequest) -> str:
    """Give the address of our style sheet, for settings."""
    return static("fliptech/admin.css")


def own_icon(request: HttpRequest) -> str:
    """Give the address of the picture in a browser's tab, for settings."""
    return static("fliptech/icon.svg")


def _check_all_pages(
    app_configs: Sequence[Any] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    admin.autodiscover()
    found: list[checks.CheckMessage] = check_admin_app(app_configs, **kwargs)
    return found
