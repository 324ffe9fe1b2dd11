"""Check the values of a row that is imported, naming line and column. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fliptech_site.addresses import AddressRefused, parse_target
from fliptech_site.errors import InvalidInput
from leads.contacts import to_e164
from leads.records import Value
from leads.suppression import normalise_address
from leads.tables.base import BadRow

_LIMITS = (
    {"name": 200, "description": 5_000, "website": 500, "street": 200}
    | dict.fromkeys(("category", "city", "region"), 100)
    | {"postal_code": 20}
)
#: Characters of a wrong cell that are shown.
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class GoodRow:
    """A row that can be stored."""

    line: int
    values: dict[str, Value]


def check_row(line: int, values: Mapping[str, str]) -> GoodRow | BadRow:
    """Check the fields of one row: all of them are right, or the first wrong one is named."""
    region = region_of(values)
    try:
        checked = {field: _check(field, text, region) for field, text in values.items()}
        if not checked.get("name"):
            raise _WrongCellError("name", "is empty: every business needs a name.")
    except _WrongCellError as error:
        return BadRow(line, f"Line {line}, column {error.field!r}: {error.problem}")
    return GoodRow(line, checked)


def region_of(values: Mapping[str, object]) -> str:
    """Give the country in whose notation a row's telephone number is read."""
    country = str(values.get("country") or "").upper()
    return country if len(country) == 2 else "US"


class _WrongCellError(Exception):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field, self.problem = field, problem


def _check(field: str, text: str, region: str) -> Value:
    limit = _LIMITS.get(field, 60)
    if not text:
        return ""
    try:
        if field == "website":
            text = text if "://" in text else f"https://{text}"
            parse_target(text)
        elif field == "email":
            return normalise_address(text)
        elif field in ("latitude", "longitude"):
            return _degrees(field, text)
    except (AddressRefused, InvalidInput) as error:
        told = str(error).replace(repr(text), _shown(text))
        raise _WrongCellError(field, told) from None
    if field == "phone":
        return _phone(text, region)
    if len(text) > limit:
        raise _WrongCellError(
            field, f"has {len(text)} characters: shorten it to {limit}."
        )
    return text


def _shown(text: str) -> str:
    """Give a cell as a sentence can hold it."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")


def _phone(text: str, region: str) -> str:
    number = to_e164(text, region=region)
    if number is None:
        raise _WrongCellError(
            "phone", f"{_shown(text)} is no telephone number: write it as +14155550123."
        )
    return number


def _degrees(field: str, text: str) -> float:
    most = 90 if field == "latitude" else 180
    try:
        # Spreadsheets in half of Europe write a comma.
        number = float(text.replace(",", "."))
    except ValueError:
        number = float("nan")
    if not -most <= number <= most:
        raise _WrongCellError(
            field,
            f"{_shown(text)} is no {field}: write degrees between -{most} and {most}.",
        )
    return number
