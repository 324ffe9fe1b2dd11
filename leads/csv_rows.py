"""Read rows of businesses from CSV text, naming line and column of what is wrong. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from fliptech_site.addresses import AddressRefused, parse_target
from fliptech_site.errors import InvalidInput
from leads.contacts import to_e164
from leads.models.lead import LEAD_FIELDS
from leads.records import Value
from leads.suppression import normalise_address

_LIMITS = (
    {"name": 200, "description": 5_000, "website": 500, "street": 200}
    | dict.fromkeys(("category", "city", "region"), 100)
    | {"postal_code": 20}
)


@dataclass(frozen=True)
class GoodRow:
    """A row that can be stored."""

    line: int
    values: dict[str, Value]


@dataclass(frozen=True)
class BadRow:
    """A row that can't, and a sentence that says why and what to do."""

    line: int
    problem: str


def decode_csv(data: bytes) -> str:
    """Decode a CSV file: UTF-8, or what Excel writes on Windows. Raises InvalidInput."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InvalidInput(
        "The file is no CSV text: save it from the spreadsheet as CSV (UTF-8)."
    )


def read_rows(text: str) -> Iterator[GoodRow | BadRow]:
    """Give every row, good or bad. Raises InvalidInput for an unusable header."""
    # Strict: otherwise a quote that is never closed swallows all rows after it.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True
    )
    header = _header(next(reader, []))
    while True:
        # A quoted cell may span lines; the row is named by its first one.
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(line, _no_csv(line, error))
            continue
        if any(cell.strip() for cell in cells):
            yield _read(line, header, cells)


def _no_csv(line: int, error: csv.Error) -> str:
    if "end of data" in str(error):
        return (
            f"Line {line}: a quote is opened here and never closed, so no row from here"
            " on could be read: close it and import the file again."
        )
    return f"Line {line}: it is no CSV ({error}): mend its quotes."


def _delimiter(text: str) -> str:
    first_line = text.partition("\n")[0]
    return max(",;\t", key=first_line.count)


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    if "name" not in names:
        raise InvalidInput(
            "Line 1 has to name the columns, one of them 'name'; known columns are"
            f" {', '.join(LEAD_FIELDS)}."
        )
    for column, name in enumerate(names, start=1):
        if name not in LEAD_FIELDS:
            near = get_close_matches(name, LEAD_FIELDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "remove it."
            raise InvalidInput(f"Line 1, column {column}: {name!r} is unknown, {hint}")
        if names.index(name) != column - 1:
            raise InvalidInput(
                f"Line 1, column {column}: {name!r} is there twice, keep one."
            )
    return names


def _read(line: int, header: list[str], cells: list[str]) -> GoodRow | BadRow:
    if len(cells) > len(header):
        problem = (
            f"Line {line}, column {len(header) + 1}: the row has {len(cells)} cells and"
            f" the header {len(header)}: quote cells that contain the separator."
        )
        return BadRow(line, problem)
    values = dict(zip(header, (cell.strip() for cell in cells), strict=False))
    region = values.get("country", "").upper()
    try:
        checked = {
            field: _check(field, text, region if len(region) == 2 else "US")
            for field, text in values.items()
        }
        if not checked["name"]:
            raise _WrongCellError("name", "is empty: every business needs a name.")
    except _WrongCellError as error:
        return BadRow(line, f"Line {line}, column {error.field!r}: {error.problem}")
    return GoodRow(line, checked)


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
        raise _WrongCellError(field, str(error)) from None
    if field == "phone":
        return _phone(text, region)
    if len(text) > limit:
        raise _WrongCellError(
            field, f"has {len(text)} characters: shorten it to {limit}."
        )
    return text


def _phone(text: str, region: str) -> str:
    number = to_e164(text, region=region)
    if number is None:
        raise _WrongCellError(
            "phone", f"{text!r} is no telephone number: write it as +14155550123."
        )
    return number


def _degrees(field: str, text: str) -> float:
    most = 90 if field == "latitude" else 180
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not -most <= number <= most:
        raise _WrongCellError(
            field, f"{text!r} is no {field}: write degrees between -{most} and {most}."
        )
    return number
