"""What Dramatiq sends on after a task: the next of a pipeline, and all callbacks.

Dramatiq does this in hooks whose errors it swallows, before or after the end of the
run, so that a continuation can get lost, or come twice. Here it happens in the very
transaction that ends the run: fenced, once, and when it can't be done the task fails
and says why. The middleware below do the work, as Dramatiq wrote them; their own hooks
are silent.
"""

from __future__ import annotations

import logging
from typing import Any

import dramatiq
from django.conf import settings
from dramatiq.errors import ActorNotFound
from dramatiq.middleware import Callbacks, GroupCallbacks, Middleware, Pipelines

from fliptech_site.errors import InvalidInput, PermanentError
from tasks.broker import get_broker
from tasks.current import Claim
from tasks.limits import PostgresRateLimiterBackend
from tasks.sealing import continuing, is_row_sealed, unseal_work

logger = logging.getLogger(__name__)

#: Options of a message that ask for a continuation.
_OPTIONS = ("pipe_target", "group_completion_uuid", "on_success")


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


def callbacks() -> Callbacks:
    """Return Dramatiq's callbacks, to be called by the functions below alone."""
    middleware = Callbacks()
    _silence(middleware)
    return middleware


def has_continuation(held: Claim) -> bool:
    """Return whether something is to follow the success of this task."""
    return any(_option(held, name) for name in _OPTIONS)


def continue_after(held: Claim, result: Any) -> None:
    """Enqueue what follows the success of `held`, in the caller's transaction.

    Raises PermanentError when that is impossible, such as an unknown actor or
    arguments that it does not take.
    """
    with continuing(is_row_sealed(held)):
        _call_middleware(get_broker(), _message(held), result)


def _call_middleware(
    broker: dramatiq.Broker, message: dramatiq.MessageProxy, result: Any
) -> None:
    try:
        for middleware in broker.middleware:
            if isinstance(middleware, Pipelines | GroupCallbacks | Callbacks):
                # The class's own, which the instance hides from Dramatiq.
                type(middleware).after_process_message(
                    middleware,  # type: ignore[arg-type]
                    broker,
                    message,
                    result=result,
                )
    except (InvalidInput, ActorNotFound) as error:
        raise PermanentError(
            f"What should follow could not be enqueued. {error}"
        ) from error


def has_failure_callback(held: Claim) -> bool:
    """Return whether an actor is to be called when this task has failed for good."""
    return _option(held, "on_failure") is not None


def call_back_after_failure(held: Claim, error_class: str, message: str) -> None:
    """Enqueue the failure's callback, in the caller's transaction.

    Dramatiq calls back after each failed run; here only the last one counts. The task
    has failed whatever becomes of its callback, so one that can't be had is logged.
    """
    told = {"type": error_class, "message": message}
    name = _option(held, "on_failure")
    try:
        with continuing(is_row_sealed(held)):
            get_broker().get_actor(name).send(_message(held).asdict(), told)
    except (InvalidInput, ActorNotFound) as error:
        logger.error("%s can't be called back after %s: %s", name, held.task_id, error)


def _option(held: Claim, name: str) -> Any:
    """Return an option of the message, or of its actor as Dramatiq declares it."""
    declared = get_broker().actors.get(held.actor)
    by_actor = declared.options.get(name) if declared is not None else None
    return held.options.get(name) or by_actor


def _message(held: Claim) -> dramatiq.MessageProxy:
    args, kwargs, options = unseal_work(held.args, held.kwargs, held.options)
    return dramatiq.MessageProxy(
        dramatiq.Message(
            queue_name=get_broker().get_actor(held.actor).queue_name,
            actor_name=held.actor,
            args=tuple(args),
            kwargs=kwargs,
            options=options,
            message_id=str(held.task_id),
        )
    )


def _silence(middleware: Middleware) -> None:
    setattr(middleware, "after_process_message", lambda *_, **__: None)  # noqa: B010
