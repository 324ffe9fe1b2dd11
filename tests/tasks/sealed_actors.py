"""Encrypted actors, for the tests of encryption alone."""

from __future__ import annotations

import logging

from fliptech_site.errors import PermanentError
from tasks.declaring import actor

logger = logging.getLogger(__name__)


@actor(queue="default", time_limit_minutes=1, encrypted=True)
def sealed_echo(*values: str, secret: str = "") -> dict[str, str]:
    logger.info("the body logs %s", secret)
    return {"echo": secret or "+".join(values)}


@actor(queue="default", time_limit_minutes=1, encrypted=True)
def sealed_fail(secret: str, kind: str = "plain") -> None:
    if kind == "permanent":
        raise PermanentError(f"{secret} is refused")
    try:
        raise ValueError(f"{secret} is no number")
    except ValueError as error:
        raise RuntimeError(f"{secret} can't be used") from error


@actor(queue="default", time_limit_minutes=1)
def open_echo(*values: object) -> str:
    return "+".join(str(value) for value in values)


@actor(queue="default", time_limit_minutes=1)
def open_take(value: object) -> object:
    return value
