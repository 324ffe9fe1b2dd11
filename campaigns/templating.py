"""Templates that people write: Liquid in a box, strict about fields.

A wrong template is one sentence, never a broken campaign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple

from liquid import BoundTemplate
from liquid.exceptions import LiquidError, ResourceLimitError

from campaigns.fields import FIELDS, blanks, examples, nest
from campaigns.sandbox import (
    MAX_OUTPUT_BYTES,
    MAX_SECONDS,
    MAX_TURNS,
    TooSlow,
    environment,
    limits,
    settle,
)
from campaigns.slots import open_slots, without_slots
from campaigns.spintax import rewrite
from fliptech_site.errors import InvalidInput

MAX_SOURCE_CHARS = 100_000


class Source(NamedTuple):
    """A template's texts, as a person wrote them; `text` may be blank."""

    name: str
    subject: str
    html: str
    text: str = ""
    #: What stands in for a blank field, by its path.
    fallbacks: Mapping[str, str] = {}


class Rendered(NamedTuple):
    """A template's texts with the fields filled in; the subject is one line."""

    subject: str
    html: str
    text: str
    #: The HTML with slots in place of values, and these, escaped, in their order.
    slotted: str = ""
    values: Sequence[str] = ()


class Part(NamedTuple):
    """One of a template's texts."""

    name: str
    source: str
    is_html: bool


def check(source: Source) -> None:
    """Refuse a template that can't work.

    Raises InvalidInput with one sentence: blank, wrong syntax, an unknown field or
    filter, too long, or failing when filled in, with all fields or with blank ones.
    """
    if not source.subject.strip() or not source.html.strip():
        raise InvalidInput(
            f"Template {source.name!r} needs a subject and an HTML body: write both."
        )
    render(source, examples())
    try:
        render(source, blanks())
    except InvalidInput as error:
        raise InvalidInput(
            f"{error} It fails where fields are blank: ask for them by"
            " {% if lead.city %} first."
        ) from None


def render(
    source: Source, values: Mapping[str, object], *, seed: bytes = b""
) -> Rendered:
    """Fill in the fields; those in the HTML are escaped.

    `values` names every field by its path; blank ones take their fallbacks. The same
    seed (of at most 64 bytes) chooses the same spintax. Raises InvalidInput.
    """
    fields = nest(values, source.fallbacks)
    try:
        return _render_once(source, fields, seed)
    except _TooSlow:
        # A collection of a large process's garbage may have fallen into the first try:
        # that must not fail a good mail, which takes a fraction of this.
        return _render_once(source, fields, seed, MAX_SECONDS / 5)


class _TooSlow(InvalidInput):
    """Raised when the time of a template's texts was over."""


def _render_once(
    source: Source,
    fields: Mapping[str, Any],
    seed: bytes,
    seconds: float = MAX_SECONDS,
) -> Rendered:
    subject, html, text = parts(source)
    with limits(seed, seconds):
        line = _rendered(source.name, subject, fields)
        with open_slots() as values:
            slotted = _rendered(source.name, html, fields)
        words = _rendered(source.name, text, fields) if text.source else ""
    filled = without_slots(slotted, values)
    if len(filled.encode("utf-8", "surrogatepass")) > MAX_OUTPUT_BYTES:
        raise InvalidInput(
            f"Template {source.name!r}: the HTML body gets longer than"
            f" {MAX_OUTPUT_BYTES:,} bytes; make it shorter."
        )
    return Rendered(" ".join(line.split()), filled, words, slotted, values)


def parts(source: Source) -> list[Part]:
    """Give the texts of a template with their names."""
    return [
        Part("subject", source.subject, is_html=False),
        Part("HTML body", source.html, is_html=True),
        Part("text body", source.text, is_html=False),
    ]


def used_fields(source: Source) -> set[str]:
    """Give the paths of all fields that a template uses. Raises InvalidInput."""
    return {
        ".".join(str(segment) for segment in variable.segments)
        for part in parts(source)
        for variables in compiled(source.name, part).analyze().globals.values()
        for variable in variables
    }


@lru_cache(maxsize=64)
def compiled(name: str, part: Part) -> BoundTemplate:
    """Parse one text and check its fields, filters and ranges. Raises InvalidInput."""
    if len(part.source) > MAX_SOURCE_CHARS:
        raise InvalidInput(
            f"Template {name!r}: the {part.name} has {len(part.source):,} characters;"
            f" at most {MAX_SOURCE_CHARS:,} are allowed."
        )
    try:
        spun = rewrite(part.source, is_html=part.is_html)
        template = environment(part.is_html).from_string(spun.source)
        used = template.analyze()
        is_bounded = settle(template)
    except InvalidInput as error:
        raise InvalidInput(f"Template {name!r}: the {part.name}: {error}.") from None
    except LiquidError as error:
        raise InvalidInput(_sentence(name, part.name, error)) from None
    except RecursionError:
        raise _too_deep(name, part.name) from None
    if not is_bounded:
        raise InvalidInput(
            f"Template {name!r}: the {part.name}: a range is written in whole numbers"
            f" and has at most {MAX_TURNS:,} steps, such as (1..5); correct it."
        )
    for variables in used.globals.values():
        for variable in variables:
            _check_field(name, str(variable), list(variable.segments))
    for used_filter in used.filters:
        _check_filter(name, used_filter)
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


def _check_filter(name: str, written: str) -> None:
    known = environment(autoescape=True).filters
    if written not in known:
        near = get_close_matches(written, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "leave it out."
        raise InvalidInput(f"Template {name!r}: there is no filter {written!r}; {hint}")


def _rendered(name: str, part: Part, fields: Mapping[str, object]) -> str:
    try:
        return compiled(name, part).render(**fields)
    except TooSlow as error:
        raise _TooSlow(_sentence(name, part.name, error)) from None
    except LiquidError as error:
        raise InvalidInput(_sentence(name, part.name, error)) from None
    except RecursionError:
        raise _too_deep(name, part.name) from None


def _too_deep(name: str, part: str) -> InvalidInput:
    return InvalidInput(
        f"Template {name!r}: the {part} is nested too deeply; make it simpler."
    )


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
