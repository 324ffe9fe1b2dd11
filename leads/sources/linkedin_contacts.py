"""A member's own Connections.csv: in its languages, separators and older forms. Pure."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime

from leads.outcomes import Outcome
from leads.pages import storable

#: Field -> how the export calls it: English, German, French, Spanish, Italian,
#: Portuguese, Dutch; in small letters without accents.
_NAMES = {
    "first name": "first name|vorname|prenom|nombre|nome|voornaam",
    "last name": "last name|nachname|nom|apellidos|cognome|sobrenome|apelido|achternaam",
    "url": "url|profil-url|url du profil",
    "email address": "email address|e-mail address|e-mail-adresse|adresse e-mail"
    "|direccion de correo electronico|direccion de email|indirizzo email"
    "|indirizzo e-mail|endereco de e-mail|e-mail|email|e-mailadres",
    "company": "company|unternehmen|firma|entreprise|societe|empresa|azienda|bedrijf",
    "position": "position|poste|fonction|cargo|puesto|posizione|qualifica|functie|funktie",
    "connected on": "connected on|verbunden am|connecte le|conectado el|collegato il"
    "|conectado em|verbonden op|gekoppeld op",
}
_FIELD_OF = {
    name: field for field, names in _NAMES.items() for name in names.split("|")
}
#: Lines of preamble that are looked through for the header.
_PREAMBLE = 50
_SEPARATORS = (",", ";", "\t")
_DATES = ("%d %m %Y", "%d-%m-%y", "%Y-%m-%d", "%m/%d/%y", "%m/%d/%Y", "%d.%m.%Y")
#: Beginnings of the months' names in those languages; the longer ones first.
_MONTHS = (
    ("januar|jan|gen|ene", 1), ("feb|fev", 2), ("mar|mrz|maerz|mrt|maa", 3),
    ("apr|avr|abr", 4), ("may|mai|mag|mei", 5), ("juin|jun|giu", 6),
    ("juil|jul|lug", 7), ("aug|aou|ago", 8), ("sep|set", 9), ("oct|okt|ott|out", 10),
    ("nov", 11), ("dec|dez|dic", 12),
)  # fmt: skip
#: What people write in place of an employer.
_NO_COMPANY = re.compile(
    r"^(?:self[- ]?employed|free-?lance(?:r)?|independent(?: .*)?|retired|unemployed"
    r"|confidential|stealth.*|none|n/?a|-+)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Contact:
    """One line of Connections.csv."""

    name: str
    company: str = ""
    position: str = ""
    email: str = ""
    url: str = ""
    #: ISO 8601.
    connected_on: str = ""


@dataclass(frozen=True)
class Contacts:
    """What a Connections.csv holds, and how its reading ended."""

    outcome: Outcome
    reason: str = ""
    contacts: list[Contact] = field(default_factory=list)
    #: Lines without a name and a company.
    unreadable: int = 0


def is_contacts(text: str) -> bool:
    """Say whether a text is a Connections.csv: it has the header somewhere at its top."""
    return _header(_lines(text)) is not None


def _lines(text: str) -> list[str]:
    return text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _header(lines: list[str]) -> tuple[int, str] | None:
    """Give the line that the header stands on and its separator; lines before it vary."""
    for number, line in enumerate(lines[:_PREAMBLE]):
        for separator in _SEPARATORS:
            cells = line.replace('"', "").split(separator)
            fields = {_FIELD_OF.get(_plain(cell)) for cell in cells} - {None}
            if len(fields) >= 4 and fields & {"company", "connected on"}:
                return number, separator
    return None


def _plain(text: str) -> str:
    """Give a text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.strip().lower())
    return "".join(char for char in apart if not unicodedata.combining(char))


def read_contacts(text: str) -> Contacts:
    """Read a Connections.csv; never raises."""
    lines = _lines(text)
    header = _header(lines)
    if header is None:
        reason = "There is no line with First Name, Last Name, Company and Position."
        return Contacts(Outcome.MARKUP_CHANGED, reason)
    start, separator = header
    body = io.StringIO(storable("\n".join(lines[start:])))
    found: list[Contact] = []
    unreadable = 0
    try:
        for row in csv.DictReader(body, delimiter=separator):
            told = {
                _FIELD_OF.get(_plain(str(key)), ""): value.strip()
                for key, value in row.items()
                if isinstance(value, str)
            }
            if not any(told.values()):
                continue
            contact = _contact(told)
            if contact.name or contact.company:
                found.append(contact)
            else:
                unreadable += 1
    except csv.Error as error:
        reason = f"The file is damaged ({error}); {len(found)} contacts stand before."
        outcome = Outcome.PARTIAL if found else Outcome.MARKUP_CHANGED
        return Contacts(outcome, reason, found, unreadable)
    if not found:
        return Contacts(Outcome.EMPTY, "The header is there and no contact below it.")
    if unreadable:
        reason = f"{unreadable} lines name neither a person nor a company."
        return Contacts(Outcome.PARTIAL, reason, found, unreadable)
    return Contacts(Outcome.OK, "", found)


def _contact(told: dict[str, str]) -> Contact:
    company = told.get("company", "")
    return Contact(
        name=f"{told.get('first name', '')} {told.get('last name', '')}".strip()[:200],
        company="" if _NO_COMPANY.match(company) else company[:200],
        position=told.get("position", "")[:200],
        email=told.get("email address", "")[:254],
        url=told.get("url", "")[:500],
        connected_on=_date(told.get("connected on", "")),
    )


def _date(value: str) -> str:
    """Give a day in ISO 8601: `01 Jan 2024`, `7-Feb-22`, `1 de março de 2024`."""
    plain = _plain(value)
    word = re.search(r"[a-z]{3,}", plain.replace(" de ", " "))
    if word and (month := _month(word[0])):
        plain = plain.replace(" de ", " ").replace(word[0], str(month)).replace(".", "")
    for pattern in _DATES:
        try:
            # A day has no time zone.
            found: date = datetime.strptime(plain, pattern).date()  # noqa: DTZ007
        except ValueError:
            continue
        return found.isoformat()
    return ""


def _month(word: str) -> int:
    for beginnings, number in _MONTHS:
        if re.match(beginnings, word):
            return number
    return 0
