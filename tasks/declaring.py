"""Declare actors: the decorator, and the look-up by name with checked arguments."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, ParamSpec, TypeVar

import dramatiq
from django.conf import settings
from periodiq import cron

from fliptech_site.errors import FlipTechError, InvalidInput
from tasks.broker import get_broker
from tasks.policies import Policy

P = ParamSpec("P")
R = TypeVar("R")

#: Keywords of `enqueue` itself, so no actor may have an argument of that name.
RESERVED = frozenset({"webhook", "priority", "run_at", "unique_key", "unique"})


def actor(
    *,
    queue: str,
    time_limit_minutes: float,
    max_attempts: int = 5,
    base_seconds: float = 5.0,
    ceiling_seconds: float = 900.0,
    max_age: timedelta = timedelta(days=2),
    throws: tuple[type[BaseException], ...] = (),
    periodic: str | None = None,
    encrypted: bool = False,
) -> Callable[[Callable[P, R]], dramatiq.Actor[P, R]]:
    """Declare a function as an actor of `queue`; its name is the function's.

    `periodic` is a cron expression of five fields; the scheduler then enqueues the
    actor without arguments at each of its times. Of an `encrypted` one the database
    holds arguments, result and errors as ciphertext only. The other options make the
    retry `Policy`. Raises ValueError for an unknown queue or a reserved argument name.
    """
    if queue not in settings.QUEUES:
        raise ValueError(
            f"There is no queue {queue!r}: use one of {list(settings.QUEUES)}."
        )
    policy = Policy(max_attempts, base_seconds, ceiling_seconds, max_age, throws)
    time_limit = int(time_limit_minutes * 60_000)
    options: dict[str, Any] = {"policy": policy, "time_limit": time_limit}
    if periodic is not None:
        options["periodic"] = cron(periodic)
    if encrypted:
        options["encrypted"] = True

    def declare(function: Callable[P, R]) -> dramatiq.Actor[P, R]:
        signature = _checked_signature(function)
        declared: dramatiq.Actor[P, R] = dramatiq.actor(
            broker=get_broker(),
            queue_name=queue,
            # In-process order of prefetched messages; for Dramatiq lower goes first.
            priority=10 - settings.QUEUES[queue],
            **options,
        )(function)
        declared.options["signature"] = signature
        # Dramatiq logs any other error as unhandled, with its traceback; these are
        # sentences that the ledger logs, and any of an encrypted actor may quote arguments.
        expected = BaseException if encrypted else (FlipTechError, *throws)
        declared.options["throws"] = expected
        return declared

    return declare


def _checked_signature(function: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(function)
    clash = RESERVED & signature.parameters.keys()
    if clash:
        raise ValueError(
            f"{function.__name__} can't have arguments named {sorted(clash)}:"
            " enqueue uses these words itself."
        )
    return signature


def load_actors() -> dict[str, dramatiq.Actor[Any, Any]]:
    """Import the modules that settings name and return all actors by name."""
    for module in settings.ACTOR_MODULES:
        importlib.import_module(module)
    return get_broker().actors


def find_actor(name: str) -> dramatiq.Actor[Any, Any]:
    """Return the actor `name`; raises InvalidInput that names the nearest ones."""
    actors = get_broker().actors
    if name not in actors:
        actors = load_actors()
    if name in actors:
        return actors[name]
    near = get_close_matches(name, actors, n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise InvalidInput(f"There is no actor {name!r}.{hint}")


def check_arguments(
    declared: dramatiq.Actor[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Raise InvalidInput when the actor could not be called with these arguments."""
    signature = declared.options.get("signature")
    if signature is None:
        signature = inspect.signature(declared.fn)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise InvalidInput(
            f"{declared.actor_name}{signature} can't be called like this: {error}."
        ) from None


def policy_of(declared: dramatiq.Actor[Any, Any]) -> Policy:
    """Return the retry policy that an actor was declared with."""
    policy: Policy = declared.options.get("policy") or Policy()
    return policy
