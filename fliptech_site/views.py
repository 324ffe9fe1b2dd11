"""Pages for machines: is it alive, and how is it doing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe
from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the web process reaches its database, 503 otherwise."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "down", "database": "unreachable"}, status=503)
    return JsonResponse({"status": "ok", "database": "ok"})


class _Rooms:
    """Asks each room's collector in turn."""

    def collect(self) -> Iterable[Metric]:
        for path in settings.METRIC_COLLECTORS:
            collector: Callable[[], Iterable[Metric]] = import_string(path)
            yield from collector()


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a Prometheus scrape with the figures of all rooms."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rooms())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
