"""Find out which column of a table means which field of a lead. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from fliptech_site.errors import InvalidInput
from leads.models.lead import LEAD_FIELDS

#: Field -> names that columns of it have, the most certain first.
_HEADERS = {
    "name": "company_name company business_name business organisation_name organisation"
    " organization_name organization org restaurant_name restaurant account_name firm firma"
    " firmenname unternehmen name site_name display_name displayname_text store_name store"
    " shop_name shop venue_name venue facility_name facility establishment merchant_name"
    " merchant vendor dba_name dba title legal_name trade_name nom nombre entreprise empresa"
    " ragione_sociale practice_name client customer_name customer lead_name full_name",
    "phone": "phone phone_number telephone telephone_number tel phone1 phone_1 main_phone"
    " business_phone work_phone office_phone contact_phone contact_number mobile"
    " mobile_phone cell nationalphonenumber internationalphonenumber telefon telefonnummer"
    " fon telefono mobil phone_no phones",
    "email": "email e_mail mail email_address emails email_1 contact_email business_email"
    " courriel correo",
    "website": "website web_site website_url site_url url homepage home_page web www"
    " domain web_address site webseite websiteuri link",
    "street": "street street_address address_street address address_1 address1 addr addr1"
    " address_line_1 address_line1 address_line streetaddress full_address"
    " formatted_address formattedaddress mailing_address location_address strasse straße"
    " anschrift adresse direccion indirizzo rue calle location",
    "city": "city town city_name address_city locality addresslocality municipality ort"
    " stadt ville ciudad comune place",
    "region": "state region province state_code address_state state_province addressregion"
    " bundesland provincia",
    "postal_code": "postal_code postalcode zip zip_code zipcode zip5 postcode post_code"
    " address_zip postal plz code_postal cap codigo_postal",
    "country": "country country_code country_name addresscountry land pays pais",
    "latitude": "latitude lat geo_lat location_latitude breitengrad",
    "longitude": "longitude lon lng long geo_lon geo_lng location_longitude laengengrad",
    "category": "category categories type business_type cuisine industry trade branche"
    " primary_type primarytype kind sector",
    "description": "description about summary notes note comment comments beschreibung",
}  # fmt: skip
_FIELD_OF = {
    header: (field, rank)
    for field, headers in _HEADERS.items()
    for rank, header in enumerate(headers.split())
}
#: The second half of an address stands in a column of its own.
_SECOND_LINES = ("address_2", "address2", "address_line_2", "address_line2", "addr2")
_FIRST_NAMES = ("first_name", "firstname", "given_name", "vorname")
_LAST_NAMES = ("last_name", "lastname", "surname", "family_name", "nachname")
_HOUSE_NUMBERS = ("house_number", "street_number", "housenumber", "hausnummer")
#: Columns that are never read by what stands in them: they number, they don't name.
_NUMBERING = re.compile(
    r"(?:^|_)(?:id|ids|uid|uuid|key|index|cluster|class|group|truth|label|match|fax|rank"
    r"|row|count|score|rating|price|date|time)(?:_|$)|(?:^|_)(?:true|unique)_"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_PHONE = re.compile(r"\+?[\d(][\d\s()./-]{6,18}(?:\s*(?:x|ext\.?)\s*\d+)?")
_CONTENTS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("email", re.compile(r"[^@\s]+@[^@\s]+\.\w+").fullmatch),
    ("website", re.compile(r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|de|co\.uk|io|fr|it|es)(?:/\S*)?", re.IGNORECASE).fullmatch),
    ("phone", lambda text: (_PHONE.fullmatch(text) and 7 <= sum(map(str.isdigit, text)) <= 17 and re.search(r"\D", text.lstrip("+"))) or re.fullmatch(r"\+?\d{10,13}", text)),
    ("postal_code", re.compile(r"\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", re.IGNORECASE).fullmatch),
    ("street", re.compile(r"\d+[\w-]*\s+\D.*[^\W\d].*|[^\W\d][\w. -]*(?:str(?:\.|asse|aße)|weg|platz|allee|gasse|ring|damm|ufer) \d{1,4}\w?", re.DOTALL).fullmatch),
    ("region", re.compile(r"[A-Z]{2}").fullmatch),
)  # fmt: skip
#: Share of a column's cells that have to look like a field.
_LEAST_SHARE = 0.7

Columns = dict[str, list[str]]


def normal_header(text: str) -> str:
    """Give a header in the spelling in which it is looked up."""
    words = re.findall(r"[^\W_]+", _CAMEL.sub(" ", text.strip()).lower())
    # "Phone (2)" is the second column of that name.
    if len(words) > 1 and words[-1].isdigit() and "(" in text:
        words.pop()
    return "_".join(words)


def map_columns(
    header: Sequence[str],
    sample: Sequence[Sequence[str]],
    given: Mapping[str, Sequence[str]] | None = None,
) -> Columns:
    """Say which columns make each field: by what a person gave, by name, by content.

    `given` overrides; an empty list leaves a field out. Raises InvalidInput for a
    field or column that doesn't exist.
    """
    columns: Columns = {}
    for field, names in (given or {}).items():
        columns[field] = _checked(field, names, header)
    taken = {name for names in columns.values() for name in names}
    by_name = _by_name([name for name in header if name not in taken], header, sample)
    for field, names in by_name.items():
        columns.setdefault(field, names)
    taken = {name for names in columns.values() for name in names}
    for field, name in _by_content(header, sample, taken, set(columns)):
        columns.setdefault(field, [name])
    return {field: columns[field] for field in LEAD_FIELDS if columns.get(field)}


def is_header(header: Sequence[str]) -> bool:
    """Say whether a line names columns; one with an address or a number is a row.

    Unless it names a field, too: columns may be called by dates, which look like numbers.
    """
    if any(_field_of(normal_header(cell)) for cell in header):
        return True
    values = [looks for field, looks in _CONTENTS if field in ("email", "phone")]
    return not any(looks(cell.strip()) for cell in header for looks in values)


def parse_map(texts: Sequence[str], header: Sequence[str]) -> dict[str, list[str]]:
    """Read `field=column` as people type it; `field=` leaves a field out.

    Several columns of one field are joined with a plus sign, several fields with
    commas. `column=field` is understood too. Raises InvalidInput.
    """
    given: dict[str, list[str]] = {}
    for text in texts:
        parts = [text] if text.partition("=")[2] in header else text.split(",")
        for part in parts:
            field, sign, column = (piece.strip() for piece in part.partition("="))
            if not sign:
                raise InvalidInput(
                    f"{part!r} maps nothing: write --map name=COLUMN, for example."
                )
            if field not in LEAD_FIELDS and column in LEAD_FIELDS:
                field, column = column, field
            whole = column in header or not column
            names = [column] if whole else [each.strip() for each in column.split("+")]
            given[field] = [name for name in names if name]
    return given


def _checked(field: str, names: Sequence[str], header: Sequence[str]) -> list[str]:
    if field not in LEAD_FIELDS:
        near = get_close_matches(field, LEAD_FIELDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else ""
        known = ", ".join(LEAD_FIELDS)
        raise InvalidInput(
            f"{field!r} is no field of a lead: {hint or f'known are {known}.'}"
        )
    checked = []
    for name in names:
        exact = [each for each in header if each == name]
        loose = [each for each in header if each.lower() == name.lower()]
        if not (exact or loose):
            raise InvalidInput(
                f"There is no column {name!r}: the file has {', '.join(header)}."
            )
        checked.append((exact or loose)[0])
    return checked


def _by_name(
    free: list[str], header: Sequence[str], sample: Sequence[Sequence[str]]
) -> Columns:
    found: dict[str, list[tuple[int, int, str]]] = {}
    normal = {name: normal_header(name) for name in free}
    for name in free:
        if entry := _field_of(normal[name]):
            field, rank = entry
            # An empty column says nothing, however good its name is.
            empty = not _cells(header.index(name), sample)
            found.setdefault(field, []).append((empty, rank, name))
    columns = {}
    for field, entries in found.items():
        best = min(entries, key=lambda entry: entry[:2])
        # Columns of one name are alternatives: "phone", "phone (2)".
        columns[field] = [
            name for *_, name in entries if normal[name] == normal[best[2]]
        ]
    _join(columns, "street", _named(normal, _SECOND_LINES))
    if numbers := _named(normal, _HOUSE_NUMBERS):
        columns["street"] = numbers[:1] + columns.get("street", [])
    if "name" not in columns:
        both = [*_named(normal, _FIRST_NAMES)[:1], *_named(normal, _LAST_NAMES)[:1]]
        if both:
            columns["name"] = both
    return columns


def _named(normal: Mapping[str, str], wanted: Sequence[str]) -> list[str]:
    return [name for name, plain in normal.items() if plain in wanted]


def _join(columns: Columns, field: str, more: list[str]) -> None:
    if field in columns:
        columns[field] += [name for name in more if name not in columns[field]]


def _field_of(header: str) -> tuple[str, int] | None:
    if entry := _FIELD_OF.get(header):
        return entry
    if _NUMBERING.search(header):
        return None
    # "store_city", "business_address": the last words say what it is.
    words = header.split("_")
    for start in range(1, len(words)):
        if entry := _FIELD_OF.get("_".join(words[start:])):
            return entry[0], entry[1] + 100
    return None


def _by_content(
    header: Sequence[str],
    sample: Sequence[Sequence[str]],
    taken: set[str],
    known: set[str],
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    free = [
        (index, name)
        for index, name in enumerate(header)
        if name not in taken and not _NUMBERING.search(normal_header(name))
    ]
    for field, looks in _CONTENTS:
        if field in known:
            continue
        for index, name in list(free):
            cells = _cells(index, sample)
            hits = sum(bool(looks(cell)) for cell in cells)
            if len(cells) >= 3 and hits / len(cells) >= _LEAST_SHARE:
                found.append((field, name))
                free.remove((index, name))
                break
    if "name" not in known and free:
        # The column with the most different texts is the one that names.
        varied = {name: _variety(_cells(index, sample)) for index, name in free}
        best = max(varied, key=lambda name: varied[name])
        if varied[best] > 0.3:
            found.append(("name", best))
    return found


def _cells(index: int, sample: Sequence[Sequence[str]]) -> list[str]:
    return [row[index] for row in sample if index < len(row) and row[index]]


def _variety(cells: list[str]) -> float:
    texts = [cell for cell in cells if any(char.isalpha() for char in cell)]
    return len(set(texts)) / len(cells) if texts else 0.0
