"""Templates that people write: Liquid in a box, strict about fields.

Nothing in a template reaches Python objects, files or other templates; loops, memory,
output and time are limited. A wrong template is one sentence, never a broken campaign.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from difflib import get_close_matches
from functools import lru_cache, wraps
from typing import Any, NamedTuple

from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.exceptions import LiquidError, ResourceLimitError

from fliptech_site.errors import InvalidInput

#: Every field that a template may use.
FIELDS = (
    "lead.name",
    "lead.category",
    "lead.description",
    "lead.website",
    "lead.email",
    "lead.phone",
    "lead.street",
    "lead.city",
    "lead.region",
    "lead.postal_code",
    "lead.country",
    "demo.url",
    "sender.name",
    "sender.address",
    "sender.postal_address",
    "unsubscribe_url",
)

MAX_SOURCE_CHARS = 100_000
MAX_OUTPUT_BYTES = 200_000
MAX_SECONDS = 2.0
#: Bound on what one filter may be asked to make, in characters or list items.
_MAX_FILTER_WORK = 1_000_000
_MAX_NUMBER = 10**15

_deadline: ContextVar[float] = ContextVar("template_deadline")


class Source(NamedTuple):
    """A template's texts, as a person wrote them; `text` may be blank."""

    name: str
    subject: str
    html: str
    text: str = ""


class Rendered(NamedTuple):
    """A template's texts with the fields filled in; the subject is one line."""

    subject: str
    html: str
    text: str


class _TooMuch(ResourceLimitError):
    """Raised when a filter is asked for too much, or time is over."""


class _Environment(Environment):
    loop_iteration_limit = 1000
    local_namespace_limit = 100_000
    output_stream_limit = MAX_OUTPUT_BYTES
    context_depth_limit = 10
    block_nesting_limit = 10


def check(source: Source) -> None:
    """Refuse a template that can't work.

    Raises InvalidInput with one sentence: blank, wrong syntax, an unknown field or
    filter, too long, or failing when filled in.
    """
    if not source.subject.strip() or not source.html.strip():
        raise InvalidInput(
            f"Template {source.name!r} needs a subject and an HTML body: write both."
        )
    render(source, example_fields())


def example_fields() -> dict[str, object]:
    """Give a value for every field, to try a template on."""
    return nest({field: f"({field})" for field in FIELDS})


def nest(values: Mapping[str, object]) -> dict[str, object]:
    """Turn {"lead.name": …} into {"lead": {"name": …}}, as Liquid wants it."""
    nested: dict[str, Any] = {}
    for path, value in values.items():
        group, _, leaf = path.rpartition(".")
        (nested.setdefault(group, {}) if group else nested)[leaf] = value
    return nested


def render(source: Source, fields: Mapping[str, object]) -> Rendered:
    """Fill in the fields; those in the HTML are escaped.

    `fields` nests by dots: {"lead": {"name": …}, …}. Raises InvalidInput.
    """
    made = {
        part: _rendered(source.name, part, text, autoescape, fields)
        for part, text, autoescape in _parts(source)
    }
    return Rendered(
        " ".join(made["subject"].split()), made["HTML body"], made["text body"]
    )


def _parts(source: Source) -> list[tuple[str, str, bool]]:
    return [
        ("subject", source.subject, False),
        ("HTML body", source.html, True),
        ("text body", source.text, False),
    ]


@lru_cache(maxsize=256)
def _compiled(name: str, part: str, text: str, autoescape: bool) -> BoundTemplate:
    if len(text) > MAX_SOURCE_CHARS:
        raise InvalidInput(
            f"Template {name!r}: the {part} has {len(text):,} characters; at most"
            f" {MAX_SOURCE_CHARS:,} are allowed."
        )
    try:
        template = _environment(autoescape).from_string(text)
    except LiquidError as error:
        raise InvalidInput(_sentence(name, part, error)) from None
    used = template.analyze()
    for variables in used.globals.values():
        for variable in variables:
            _check_field(name, str(variable), list(variable.segments))
    for used_filter in used.filters:
        _check_filter(name, used_filter, autoescape)
    return template


def _check_field(name: str, written: str, segments: list[object]) -> None:
    path = ".".join(str(segment) for segment in segments)
    if path in FIELDS:
        return
    inside = [field for field in FIELDS if field.startswith(f"{path}.")]
    if inside:
        raise InvalidInput(
            f"Template {name!r}: {written!r} is a group of fields; write one of them,"
            f" such as {inside[0]!r}."
        )
    near = get_close_matches(path, FIELDS, n=1, cutoff=0.5)
    hint = (
        f"did you mean {near[0]!r}?" if near else f"the fields are {', '.join(FIELDS)}."
    )
    raise InvalidInput(f"Template {name!r}: field {written!r} does not exist; {hint}")


def _check_filter(name: str, written: str, autoescape: bool) -> None:
    known = _environment(autoescape).filters
    if written not in known:
        near = get_close_matches(written, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "leave it out."
        raise InvalidInput(f"Template {name!r}: there is no filter {written!r}; {hint}")


def _rendered(
    name: str, part: str, text: str, autoescape: bool, fields: Mapping[str, object]
) -> str:
    template = _compiled(name, part, text, autoescape)
    token = _deadline.set(time.monotonic() + MAX_SECONDS)
    try:
        return template.render(**fields)
    except LiquidError as error:
        raise InvalidInput(_sentence(name, part, error)) from None
    except RecursionError:
        raise InvalidInput(
            f"Template {name!r}: the {part} is nested too deeply; make it simpler."
        ) from None
    finally:
        _deadline.reset(token)


def _sentence(name: str, part: str, error: LiquidError) -> str:
    if isinstance(error, ResourceLimitError):
        return (
            f"Template {name!r}: the {part} takes too much time or memory"
            f" ({error.message}); make it simpler."
        )
    line = ""
    # The library looks for the place of an error past the end of a text in vain.
    try:
        context = error.context()
    except ValueError:
        context = None
    if context is not None:
        line = f", line {context[0]}"
    return f"Template {name!r}: the {part}{line}: {error.message}; correct the Liquid."


@lru_cache(maxsize=2)
def _environment(autoescape: bool) -> Environment:
    environment = _Environment(
        undefined=StrictUndefined, autoescape=autoescape, strict_filters=True
    )
    # `safe` would let a lead's name through unescaped; the tags read other templates.
    del environment.filters["safe"]
    for tag in ("include", "render"):
        del environment.tags[tag]
    for filter_name, function in list(environment.filters.items()):
        environment.filters[filter_name] = _Guarded(function)
    return environment


class _Guarded:
    """A filter that looks at the clock and at the size of its work first."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        wraps(function)(self)
        # The library asks for these attributes of a filter.
        for mark in ("with_context", "with_environment"):
            if hasattr(function, mark):
                setattr(self, mark, getattr(function, mark))

    def __call__(self, left: object, *args: object, **kwargs: object) -> object:
        if time.monotonic() > _deadline.get():
            raise _TooMuch(f"more than {MAX_SECONDS:g} seconds", token=None)
        operands = [left, *args]
        if any(isinstance(v, int) and abs(v) > _MAX_NUMBER for v in operands):
            raise _TooMuch("a number is too large", token=None)
        size = _size(left) * max([_size(argument) for argument in args], default=1)
        if size > _MAX_FILTER_WORK:
            raise _TooMuch("a text or list is too long", token=None)
        return self._function(left, *args, **kwargs)


def _size(value: object) -> int:
    return max(len(value), 1) if isinstance(value, (str, list, tuple)) else 1
