"""The filters beside the list of leads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import TextFilter
from unfold.views import ChangeList

from leads.filtering import STAGES, in_stage
from leads.models import Lead


class StageFilter(admin.SimpleListFilter):
    """Filter by what can be done with a lead; merged ones are hidden at first."""

    title = "stage"
    parameter_name = "stage"

    def lookups(
        self, request: HttpRequest, model_admin: object
    ) -> list[tuple[str, str]]:
        """Name the stages."""
        return [
            ("qualified", f"qualified ({settings.QUALIFYING_SCORE} or more)"),
            *((stage, name) for stage, name in STAGES.items() if stage != "qualified"),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Lead]
    ) -> QuerySet[Lead]:
        """Keep the leads of the chosen stage."""
        stage = self.value()
        if stage in STAGES:
            return in_stage(queryset, str(stage))
        return self._default(request, queryset)

    def _default(
        self, request: HttpRequest, queryset: QuerySet[Lead]
    ) -> QuerySet[Lead]:
        # A merged lead's own page is reached by its link and must be found.
        is_list = request.resolver_match and not request.resolver_match.kwargs
        return queryset.filter(merged_into__isnull=True) if is_list else queryset


class NamedValues(admin.AllValuesFieldListFilter):
    """All values of a field; a blank one has a name."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Name what is blank."""
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "none"}


class CityFilter(TextFilter):
    """A town by its name: there are too many to list them."""

    title = "city"
    parameter_name = "city"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Lead]
    ) -> QuerySet[Lead]:
        """Keep the leads of the town, however its letters are written."""
        city = (self.value() or "").strip()
        return queryset.filter(city__iexact=city) if city else queryset
