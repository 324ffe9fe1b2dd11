"""Encryption of what tasks carry: arguments, results, and what errors and logs quote.

A sealed value is the JSON object `{"sealed": token, "key": number}`: a token of Fernet,
and the number of the key of TASK_KEYS that made it, so that the database can tell which
key is still needed. Where a row has its `args` as an object instead of a list, the row is
sealed: that check of a type is all that other tasks pay.

Sealed are the arguments, the messages of later steps, the result, error messages,
tracebacks and kept log lines, since those quote what they are about. Not sealed are what
the machinery needs or the body chooses with people in mind: the actor, the class of an
error, progress notes and unique keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import InvalidToken
from django.conf import settings

from fliptech_site.errors import InvalidInput
from fliptech_site.sealing import derive, fernet_of

if TYPE_CHECKING:
    from dramatiq import Actor

    from tasks.current import Claim

#: What people are told in place of a sealed value.
SEALED = "sealed"
#: Options of Dramatiq that hold messages with arguments of their own.
CARRYING_OPTIONS = ("pipe_target", "group_completion_callbacks")

_PURPOSE = "fliptech tasks contents"
_NUMBER_PURPOSE = "fliptech tasks key number"
#: How the text of a sealed value begins; every token of Fernet's begins alike.
_BEGINNING = '{"sealed": "gAAAA'

_continues_sealed: ContextVar[bool] = ContextVar(
    "tasks_continues_sealed", default=False
)


class KeyMissing(InvalidInput):
    """Raised when a value was sealed with a key that this installation does not have."""


def seal(value: Any) -> dict[str, str]:
    """Encrypt a JSON value with the newest key; raises InvalidInput without a key."""
    return seal_json(json.dumps(value))


def seal_json(text: str) -> dict[str, str]:
    """Encrypt a JSON value that is text already."""
    words = tuple(settings.TASK_KEYS)
    if not words:
        raise InvalidInput(
            "TASK_KEYS is empty, so nothing can be encrypted: give it a long random text,"
            " the same for all processes."
        )
    token = fernet_of(words, _PURPOSE).encrypt(text.encode())
    return {"sealed": token.decode("ascii"), "key": key_number(words[0])}


def unseal(sealed: Mapping[str, str]) -> Any:
    """Decrypt what `seal` gave; raises KeyMissing when no key fits."""
    words = tuple(settings.TASK_KEYS)
    try:
        if not words:
            raise InvalidToken
        return json.loads(fernet_of(words, _PURPOSE).decrypt(sealed["sealed"]))
    except InvalidToken:
        raise KeyMissing(
            f"This was encrypted with the key number {sealed.get('key')!r}, which none"
            f" of the {len(words)} keys in TASK_KEYS has: add the earlier key at its end."
        ) from None


def is_sealed(value: object) -> bool:
    """Say whether a JSON value has the form of a sealed one."""
    return (
        isinstance(value, dict)
        and value.keys() == {"sealed", "key"}
        and str(value["sealed"]).startswith("gAAAA")
    )


def seal_text(text: str) -> str:
    """Encrypt a text for a column of text; an empty one stays empty."""
    return json.dumps(seal(text)) if text else ""


def unseal_text(text: str) -> str:
    """Decrypt what `seal_text` gave; any other text is returned as it is."""
    return str(unseal(json.loads(text))) if is_sealed_text(text) else text


def is_sealed_text(text: str) -> bool:
    """Say whether a text has the form of a sealed one."""
    return text.startswith(_BEGINNING)


def shown_text(text: str, may_unseal: bool) -> str:
    """Return an error, traceback or log for somebody who may or may not read it.

    Raises KeyMissing.
    """
    if may_unseal:
        return unseal_text(text)
    return SEALED if is_sealed_text(text) else text


def unsealed_kwargs(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that wait in a schedule or a workflow, decrypted if they are not; raises KeyMissing."""
    plain: dict[str, Any] = unseal(kwargs) if is_sealed(kwargs) else kwargs
    return plain


def sealed_kwargs(declared: Actor[Any, Any], kwargs: Mapping[str, Any]) -> Any:
    """Return the arguments that wait in a schedule or a workflow as they may be stored for this actor."""
    if not kwargs or is_sealed(kwargs) or not declared.options.get("encrypted"):
        return kwargs
    return seal(dict(kwargs))


@lru_cache(maxsize=64)
def key_number(word: str) -> str:
    """Return by what a key is known: eight hexadecimal digits that tell nothing of it."""
    return derive(word, _NUMBER_PURPOSE, 4).hex()


# --- rows ---------------------------------------------------------------------------


def seal_arguments(args: str, kwargs: str) -> str:
    """Return the `args` column of a sealed row, whose `kwargs` stay empty; JSON texts."""
    return json.dumps(seal_json(f'{{"args": {args}, "kwargs": {kwargs}}}'))


def seal_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options in which the messages of later steps are sealed."""
    return {
        name: seal(value) if name in CARRYING_OPTIONS else value
        for name, value in options.items()
    }


def unseal_work(
    args: Any, kwargs: dict[str, Any], options: dict[str, Any]
) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Return the plain columns of a row; raises KeyMissing."""
    if type(args) is not dict:
        return args, kwargs, options
    work = unseal(args)
    plain = {
        name: unseal(value) if name in CARRYING_OPTIONS and is_sealed(value) else value
        for name, value in options.items()
    }
    return work["args"], work["kwargs"], plain


def is_row_sealed(held: Claim) -> bool:
    """Say whether the row of a claim is sealed; the price that every task pays."""
    args: Any = held.args
    return type(args) is dict


def actors_to_come(options: Mapping[str, Any]) -> Iterator[str]:
    """Return the actors of all messages that a message's options carry, at any depth."""
    carried: Iterable[Mapping[str, Any]] = [
        *(options.get("group_completion_callbacks") or ()),
        *([options["pipe_target"]] if options.get("pipe_target") else ()),
    ]
    for message in carried:
        yield message["actor_name"]
        yield from actors_to_come(message.get("options") or {})


@contextmanager
def continuing(is_sealed_row: bool) -> Iterator[None]:
    """Let what is enqueued in this block be sealed if the row that it continues is.

    Otherwise the result of an encrypted actor would stand in the arguments of the next.
    """
    token = _continues_sealed.set(is_sealed_row)
    try:
        yield
    finally:
        _continues_sealed.reset(token)


def continues_sealed() -> bool:
    """Say whether what is enqueued now continues a sealed row."""
    return _continues_sealed.get()
