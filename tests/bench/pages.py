"""A web process for the benchmarks, and the pages that are asked of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import requests
from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
)
from django.contrib.sessions.backends.db import SessionStore

from deploy.local import ports
from tasks.models import Task
from tests.bench.driving import Worker
from tests.bench.waiting import wait_until

LIST = "/admin/tasks/task/"
Calls = Mapping[str, Callable[[], object]]


class Site:
    """gunicorn as the start script runs it, and a person who may see everything."""

    def __init__(self) -> None:
        port = ports.any_free()
        self._address = f"http://127.0.0.1:{port}"
        self._client = requests.Session()
        self._client.cookies.set(settings.SESSION_COOKIE_NAME, _log_in())
        bind = f"127.0.0.1:{port}"
        self._port = port
        self._server = Worker(
            [
                *(sys.executable, "-m", "gunicorn", "fliptech_site.wsgi"),
                *("--bind", bind, "--worker-class", "gthread", "--threads", "8"),
                *("--no-control-socket", "--log-level", "warning"),
            ]
        )

    def __enter__(self) -> Self:
        wait_until(lambda: ports.accepts(self._port), self._server.check)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()
        self._server.__exit__(kind, error, trace)

    def list_calls(self, sample: Task) -> Calls:
        """Return the pages of the list: filtered, searched, far back."""
        queries = {
            "first page": "",
            "page 20": "?p=20",
            "older": f"?before={sample.pk}",
            "until a time": "?created_at_to_0=2030-01-01&created_at_to_1=00:00:00",
            "succeeded": "?state__exact=succeeded",
            "failed": "?state__exact=failed",
            "running": "?state__exact=running",
            "queue": f"?queue={sample.queue}",
            "actor": f"?actor={sample.actor}",
            "failed of an actor": f"?state__exact=failed&actor={sample.actor}",
            "by id": f"?q={sample.pk}",
            "by key": "?q=key:7",
            "by actor": f"?q={sample.actor}",
            "by error": "?q=mailbox",
            "nothing found": "?q=nothing-like-it",
        }
        return {name: self.page(LIST + query) for name, query in queries.items()}

    def other_calls(self, sample: Task) -> Calls:
        """Return the pages beside it that read the tasks."""
        return {
            "task": self.page(f"{LIST}{sample.pk}/change/"),
            "queues": self.page("/admin/tasks/queue/"),
            "first page of admin": self.page("/admin/"),
        }

    def page(self, path: str) -> Callable[[], object]:
        """Return what asks for a page and expects to get it."""

        def get() -> None:
            answer = self._client.get(self._address + path, allow_redirects=False)
            assert answer.status_code == 200, f"{path}: {answer.status_code}"

        return get


def _log_in() -> str:
    users = get_user_model()._default_manager
    user, _ = users.get_or_create(
        username="bench", defaults={"is_superuser": True, "is_staff": True}
    )
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    key = session.session_key
    assert key is not None
    return key
