"""Lists of millions of rows in admin: the newest first, counted up to a limit.

No page counts, sorts or walks through everything. What lies behind the counted pages is
reached by *Older*, which starts behind a row instead of skipping all before it.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from leads.admin.showing import ReadOnlyAdmin
from tasks.admin.listing import CountedPages

#: The parameter of *Older*: the number of the row to go on behind.
BEFORE = "before"


class NumberedPages(CountedPages):
    """Pages of a table whose newest rows have the highest numbers."""

    ORDER = "-pk"


class LongList(ChangeList):
    """The newest first, always; `older` leads on behind the last counted page."""

    #: The query string of the next rows, empty where there are none.
    older = ""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        """Newest first: other orders would have to sort everything."""
        return ["-pk"]

    def get_filters_params(
        self, params: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Leave out what is no filter of Django's."""
        left: dict[str, Any] = super().get_filters_params(params)
        left.pop(BEFORE, None)
        return left

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str] | None = None
    ) -> QuerySet[Any]:
        """The rows behind the one that `BEFORE` names."""
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        before = request.GET.get(BEFORE, "")
        return rows.filter(pk__lt=int(before[:18])) if before.isdecimal() else rows

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page and say where the next one begins if it is the last counted."""
        super().get_results(request)
        # Unfold's heading would tell the count as if it were the whole.
        self.full_result_count = self.result_count
        if self.paginator.is_cut and self.page_num == self.paginator.num_pages:
            last = list(self.result_list)[-1]
            self.older = self.get_query_string({BEFORE: str(last.pk)}, ["p"])


class LongListAdmin(ReadOnlyAdmin):
    """Rows that there are millions of."""

    paginator = NumberedPages
    show_full_result_count = False
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Show them without counting all."""
        return LongList
