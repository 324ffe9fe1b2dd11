"""The fields that a template may use, and what stands in for a blank one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from fliptech_site.errors import InvalidInput


class Field(NamedTuple):
    """What a field is, and a value to try a template on."""

    about: str
    example: object


#: Every field by its path.
CATALOGUE: dict[str, Field] = {
    "lead.name": Field("the business's name", "Rosie's Bakery"),
    "lead.category": Field("its trade", "bakery"),
    "lead.description": Field("what it says of itself", "Bread since 1987."),
    "lead.website": Field("its own site", "https://rosies-bakery.example/"),
    "lead.email": Field("its e-mail address", "rosie@rosies-bakery.example"),
    "lead.phone": Field("its phone number", "+14155550123"),
    "lead.street": Field("street and number", "12 Mill Lane"),
    "lead.city": Field("its town", "Alder Point"),
    "lead.region": Field("state or region", "CA"),
    "lead.postal_code": Field("postal code", "94995"),
    "lead.country": Field("country", "USA"),
    "lead.hiring": Field("whom it seeks", "a baker"),
    "lead.score": Field("0 to 100: how much it could use us", 80),
    "lead.audit.is_reachable": Field("its site answers", True),
    "lead.audit.is_https": Field("its site is encrypted", False),
    "lead.audit.has_viewport": Field("its site is made for phones", False),
    "lead.audit.has_contact_form": Field("its site has a form", False),
    "lead.audit.has_phone_link": Field("a tap on its number calls", False),
    "lead.audit.has_mixed_content": Field("pictures come unencrypted", False),
    "lead.audit.is_parked": Field("a host's own page stands there", False),
    "lead.audit.title": Field("the title of its home page", "Welcome"),
    "lead.audit.copyright_year": Field("the newest year it states", 2014),
    "lead.audit.response_ms": Field("how long its home page took", 2400),
    "lead.audit.images_without_text": Field("pictures without words", 12),
    "lead.audit.technology": Field("what its site is made with", "WordPress"),
    "lead.audit.outdated_technology": Field("what of it is old", "jQuery 1.8"),
    "demo.url": Field("the address of its demo site", "https://demo.example/d/1/"),
    "sender.name": Field("the account's name", "Ada of Brightside Web"),
    "sender.address": Field("the account's address", "ada@brightside.example"),
    "sender.postal_address": Field("its postal address", "1 Main Street, Springfield"),
    "campaign.name": Field("the campaign's name; blank in a single mail", "Spring"),
    "unsubscribe_url": Field("the page that stops these mails", "https://x.example/u/"),
}
FIELDS = tuple(CATALOGUE)


def examples() -> dict[str, object]:
    """Give a value for every field, to try a template on."""
    return {path: field.example for path, field in CATALOGUE.items()}


def blanks() -> dict[str, object]:
    """Give nothing for every field, as the poorest lead has it."""
    return dict.fromkeys(CATALOGUE)


def is_blank(value: object) -> bool:
    """Whether nothing would stand there; a number 0 and a "no" are something."""
    return value is None or (isinstance(value, str) and not value.strip())


def nest(
    values: Mapping[str, object], fallbacks: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Turn {"lead.name": …} into {"lead": {"name": …}}, as Liquid wants it.

    A blank field takes its fallback, for conditions too, and is nil without one.
    """
    nested: dict[str, Any] = {}
    for path, value in values.items():
        if is_blank(value):
            value = fallbacks.get(path) if fallbacks else None
        groups, leaf = _cut(path)
        inside = nested
        for group in groups:
            inside = inside.setdefault(group, {})
        inside[leaf] = value
    return nested


@lru_cache(maxsize=256)
def _cut(path: str) -> tuple[list[str], str]:
    *groups, leaf = path.split(".")
    return groups, leaf


def read_fallbacks(text: str) -> dict[str, str]:
    """Read lines such as `lead.city = your town`. Raises InvalidInput."""
    fallbacks: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        path, sign, value = (part.strip() for part in line.partition("="))
        if not sign or not value:
            raise InvalidInput(
                f"The fallback {line[:80]!r} is not complete: write a field, '=' and"
                " what stands there when it is blank."
            )
        if path not in CATALOGUE:
            raise InvalidInput(
                f"The fallback for {path[:80]!r} is for no field: the fields are"
                f" {', '.join(FIELDS)}."
            )
        fallbacks[path] = value
    return fallbacks


def show_fallbacks(fallbacks: Mapping[str, str]) -> str:
    """Give the lines that `read_fallbacks` reads."""
    return "\n".join(f"{path} = {value}" for path, value in fallbacks.items())
