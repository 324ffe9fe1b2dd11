"""What Dramatiq sends on after a task: the next of a pipeline, a group's callbacks.

Dramatiq does this in hooks whose errors it swallows, before or after the end of the
run, so that a continuation can get lost, or come twice. Here it happens in the very
transaction that ends the run: fenced, once, and when it can't be done the task fails
and says why. The middleware below do the work, as Dramatiq wrote them; their own hooks
are silent.
"""

from __future__ import annotations

from typing import Any

import dramatiq
from django.conf import settings
from dramatiq.middleware import GroupCallbacks, Middleware, Pipelines

from fliptech_site.errors import InvalidInput, PermanentError
from tasks.broker import get_broker
from tasks.current import Claim
from tasks.limits import PostgresRateLimiterBackend

#: Options of a message that ask for a continuation.
_OPTIONS = ("pipe_target", "group_completion_uuid")


def pipelines() -> Pipelines:
    """Return Dramatiq's pipelines, to be called by `continue_after` alone."""
    middleware = Pipelines()
    _silence(middleware)
    return middleware


def group_callbacks() -> GroupCallbacks:
    """Return Dramatiq's group callbacks on our counters.

    A group's counter lives as long as its tasks are kept, since a counter past its
    time would call back at once.
    """
    middleware = GroupCallbacks(
        PostgresRateLimiterBackend(),
        barrier_ttl=settings.TASK_KEEP_DAYS * 86_400_000,
    )
    _silence(middleware)
    return middleware


def has_continuation(held: Claim) -> bool:
    """Return whether something is to follow this task."""
    return any(held.options.get(option) for option in _OPTIONS)


def continue_after(held: Claim, result: Any) -> None:
    """Enqueue what follows the success of `held`, in the caller's transaction.

    Raises PermanentError when that is impossible, such as an unknown actor or
    arguments that it does not take.
    """
    broker = get_broker()
    message = dramatiq.MessageProxy(
        dramatiq.Message(
            queue_name=broker.get_actor(held.actor).queue_name,
            actor_name=held.actor,
            args=tuple(held.args),
            kwargs=held.kwargs,
            options=held.options,
            message_id=str(held.task_id),
        )
    )
    try:
        for middleware in broker.middleware:
            if isinstance(middleware, Pipelines | GroupCallbacks):
                # The class's own, which the instance hides from Dramatiq.
                type(middleware).after_process_message(
                    middleware,  # type: ignore[arg-type]
                    broker,
                    message,
                    result=result,
                )
    except InvalidInput as error:
        raise PermanentError(
            f"What should follow could not be enqueued. {error}"
        ) from error


def _silence(middleware: Middleware) -> None:
    setattr(middleware, "after_process_message", lambda *_, **__: None)  # noqa: B010
