"""Tasks of Django's own API that the tests of its backend run."""

from __future__ import annotations

import asyncio

from django_tasks import TaskContext, task

from fliptech_site.errors import RateLimited


@task()
def add(a: int, b: int = 0) -> int:
    return a + b


@task(priority=60, queue_name="email")
def urgent() -> str:
    return "done"


@task()
def fail(message: str) -> None:
    raise ValueError(message)


@task()
def give_what_json_has_not() -> object:
    return {1, 2}


@task()
def wait_for_a_limit() -> None:
    raise RateLimited("later", retry_after=0.01)


@task(takes_context=True)
def tell_the_context(context: TaskContext, word: str) -> list[object]:
    return [
        context.attempt,
        context.task_result.id,
        str(context.task_result.status),
        word,
    ]


@task()
async def add_slowly(a: int, b: int) -> int:
    await asyncio.sleep(0)
    return a + b


def no_task() -> None:
    pass
