"""Actors that run tasks of Django's own API; see `tasks.django_backend`.

One for each queue, with the limit of its queue. An error is final, as Django has it.
"""

from __future__ import annotations

from typing import Any

from tasks.declaring import actor
from tasks.django_backend import run_django_task


@actor(queue="email", time_limit_minutes=2, max_attempts=1)
def django_task_email(
    path: str, args: list[Any], kwargs: dict[str, Any], backend: str
) -> Any:
    """Run a task of Django's API that asked for the queue `email`."""
    return run_django_task(path, args, kwargs, backend)


@actor(queue="ai", time_limit_minutes=4, max_attempts=1)
def django_task_ai(
    path: str, args: list[Any], kwargs: dict[str, Any], backend: str
) -> Any:
    """Run a task of Django's API that asked for the queue `ai`."""
    return run_django_task(path, args, kwargs, backend)


@actor(queue="default", time_limit_minutes=15, max_attempts=1)
def django_task_default(
    path: str, args: list[Any], kwargs: dict[str, Any], backend: str
) -> Any:
    """Run a task of Django's API that asked for the queue `default`."""
    return run_django_task(path, args, kwargs, backend)


@actor(queue="scraper", time_limit_minutes=6, max_attempts=1)
def django_task_scraper(
    path: str, args: list[Any], kwargs: dict[str, Any], backend: str
) -> Any:
    """Run a task of Django's API that asked for the queue `scraper`."""
    return run_django_task(path, args, kwargs, backend)


@actor(queue="demo", time_limit_minutes=40, max_attempts=1)
def django_task_demo(
    path: str, args: list[Any], kwargs: dict[str, Any], backend: str
) -> Any:
    """Run a task of Django's API that asked for the queue `demo`."""
    return run_django_task(path, args, kwargs, backend)
