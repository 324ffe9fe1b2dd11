"""The list of tasks in admin: as fast after a million of them as on the first day.

No page counts, sorts or walks through the history. Counts stop at `CountedPages.LIMIT`;
what lies further back is reached by *Older*, which starts at a row instead of skipping
all before it, or by the filter for the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.admin import AllValuesFieldListFilter
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.utils import parse_datetime_str
from unfold.views import ChangeList

from tasks.declaring import load_actors
from tasks.models import Task

#: The parameter of *Older*: the id of the task to go on behind.
BEFORE = "before"
#: Columns of a task that no line shows and that may be large.
UNLISTED = ("args", "kwargs", "options", "result")


# Django's paginator takes no type argument when it runs.
class CountedPages(Paginator):  # type: ignore[type-arg]
    """Pages of at most `LIMIT` rows; whether there are more is known, not how many.

    An action on "all" is one on these, too.
    """

    LIMIT = 500
    #: The list's own order, in which the rows are counted, too.
    ORDER = "-created_at"
    template_name = "tasks/admin/pages.html"

    @cached_property
    def count(self) -> int:
        """The rows, `LIMIT` at most."""
        return min(self._found, self.LIMIT)

    @cached_property
    def is_cut(self) -> bool:
        """Whether there are more rows than are counted."""
        return self._found > self.LIMIT

    @cached_property
    def _found(self) -> int:
        rows: Any = self.object_list
        # In the list's own order: without one PostgreSQL reads what it takes for cheap,
        # which after a large pruning are the empty pages of the whole table.
        found: int = rows.order_by(self.ORDER)[: self.LIMIT + 1].count()
        return found


class HistoryList(ChangeList):
    """The newest first, always; `older` leads on behind the last counted page."""

    #: The query string of the next rows, empty where there are none.
    older = ""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Task]) -> list[str]:
        """Newest first: other orders would have to sort the whole history."""
        return ["-created_at", "-pk"]

    def get_filters_params(
        self, params: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Leave out what is no filter of Django's."""
        left: dict[str, Any] = super().get_filters_params(params)
        left.pop(BEFORE, None)
        return left

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str] | None = None
    ) -> QuerySet[Task]:
        """The rows behind the one that `BEFORE` names, without their large columns."""
        rows: QuerySet[Task] = super().get_queryset(request, exclude_parameters)
        return _behind(rows, request.GET.get(BEFORE, "")).defer(*UNLISTED)

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page and say where the next one begins if it is the last counted."""
        super().get_results(request)
        # Unfold's heading would tell the count as if it were the whole.
        self.full_result_count = self.result_count
        if self.paginator.is_cut and self.page_num == self.paginator.num_pages:
            last = list(self.result_list)[-1]
            self.older = self.get_query_string({BEFORE: str(last.pk)}, ["p"])


def _behind(rows: QuerySet[Task], task_id: str) -> QuerySet[Task]:
    try:
        start = Task.objects.filter(pk=UUID(task_id)).values("created_at", "pk").get()
    except (ValueError, Task.DoesNotExist):
        return rows
    created_at = start["created_at"]
    # Many are born in the same moment; the first condition is what the index is for.
    return rows.filter(
        Q(created_at__lt=created_at) | Q(pk__lt=start["pk"]), created_at__lte=created_at
    )


class TimeFilter(RangeDateTimeFilter):
    """Between two moments in the time zone of the pages, which Unfold leaves out."""

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Task]
    ) -> QuerySet[Task]:
        """Keep what lies between them; a bound that can't be read is none."""
        for end, lookup in (("from", "gte"), ("to", "lte")):
            day, time = (
                self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") or ""
                for part in (0, 1)
            )
            moment = parse_datetime_str(f"{day} {time or '00:00:00'}")
            if moment is not None:
                name = f"{self.parameter_name}__{lookup}"
                queryset = queryset.filter(**{name: timezone.make_aware(moment)})
        return queryset


class _KnownValues(AllValuesFieldListFilter):
    """A filter whose choices are known: asking the table would read all of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django made this a query that has not been sent yet.
        self.lookup_choices = sorted(self.known())  # type: ignore[assignment]

    def known(self) -> Iterable[str]:
        """Return the values to choose from."""
        raise NotImplementedError


class QueueFilter(_KnownValues):
    """The queues of settings."""

    def known(self) -> Iterable[str]:
        """Return their names."""
        return settings.QUEUES


class ActorFilter(_KnownValues):
    """The declared actors."""

    def known(self) -> Iterable[str]:
        """Return their names."""
        return load_actors()
