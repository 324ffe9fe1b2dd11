"""Admin's first page: the funnel and the engine room at a glance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with what it counts, a word of explanation, and where it leads."""

    title: str
    value: int
    note: str
    icon: str
    #: Name of an admin page, such as `admin:leads_lead_changelist`.
    url_name: str
    query: str = ""
    #: True when a person should look at it.
    is_alarming: bool = False
    #: Share of the step before, 0 to 100; None where there is none.
    percent: int | None = None


def percent_of(part: int, whole: int) -> int | None:
    """Return how many percent `part` is of `whole`; None of nothing."""
    return round(100 * part / whole) if whole else None


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures of all rooms to the context of admin's first page.

    Only those whose page the user may see are shown.
    """
    figures: list[Figure] = []
    for path in settings.DASHBOARD_FIGURES:
        collect: Callable[[], Iterable[Figure]] = import_string(path)
        figures.extend(collect())
    context["figures"] = [one for one in figures if _may_see(request, one)]
    return context


def _may_see(request: HttpRequest, figure: Figure) -> bool:
    app, _, rest = figure.url_name.removeprefix("admin:").partition("_")
    return request.user.has_perm(f"{app}.view_{rest.removesuffix('_changelist')}")
