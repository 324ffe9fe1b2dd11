"""Typed readers for environment variables, with errors a person can act on.

Only `settings.py` uses them, and `tasks.subprocesses` what is handed down. Every reader also accepts `NAME_FILE`, the path of a
file that holds the value, so that secrets need not stand in the environment.
"""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """Read a string; an unset or empty variable gives `default`."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names {path!r}, which can't be read ({error.strerror}):"
                " correct the path or its permissions."
            ) from error
    return os.environ.get(name) or default


def flag(name: str, default: bool) -> bool:
    """Read a yes/no value: 1, true, yes, on or 0, false, no, off."""
    value = text(name).strip().lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(
        f"{name} is {value!r}: write one of true, false, yes, no, on, off, 1, 0."
    )


def integer(name: str, default: int, *, minimum: int, maximum: int) -> int:
    """Read a whole number between `minimum` and `maximum`, both included."""
    value = text(name).strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} is {value!r}: write a whole number from {minimum} to {maximum}."
        ) from None
    if not minimum <= number <= maximum:
        raise ImproperlyConfigured(
            f"{name} is {number}: it has to lie between {minimum} and {maximum}."
        )
    return number


def words(name: str, default: str = "") -> list[str]:
    """Read a comma-separated list; blanks around and empty items are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str) -> list[str]:
    """Read a comma-separated list of networks such as 192.0.2.0/24."""
    found = words(name)
    for word in found:
        try:
            ip_network(word)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} holds {word!r}, which is no network ({error}): write it as"
                " 192.0.2.0/24 or 2001:db8::/48."
            ) from None
    return found


def url(name: str, default: str, *, schemes: tuple[str, ...], example: str) -> str:
    """Read an address whose scheme is one of `schemes`; `example` goes into errors."""
    value = text(name, default)
    if not value:
        return ""
    # Several RabbitMQ hosts may stand in one value, separated by semicolons.
    for part in value.split(";"):
        try:
            split = urlsplit(part.strip())
            valid = split.scheme in schemes and bool(split.hostname or split.path)
            _ = split.port
        except ValueError:
            valid = False
        if not valid:
            raise ImproperlyConfigured(
                f"{name} is not an address that can be used: it has to look like"
                f" {example} (its scheme one of {', '.join(schemes)})."
            )
    return value


def handed_down() -> dict[str, str]:
    """Return what programs that tasks start may know of the environment: no secrets."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
    return {name: os.environ[name] for name in names if name in os.environ}
