"""Find by what a business is reached: e-mail addresses, telephones, websites. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import phonenumbers

from fliptech_site.errors import InvalidInput
from leads.extracting.spans import Found, distinct, overlaps
from leads.matching import tidy_url
from leads.suppression import normalise_address

_AT = r"(?:@|\s*[(\[{<]\s*(?:at|@|ät)\s*[)\]}>]\s*|\s+AT\s+)"
_DOT = r"(?:\.|\s*[(\[{<]\s*(?:dot|\.|punkt)\s*[)\]}>]\s*|\s+DOT\s+)"
_EMAIL = re.compile(
    rf"(?<![\w.+-])(?P<local>[a-zA-Z0-9][\w.+%-]{{0,63}}?){_AT}"
    rf"(?P<domain>(?:[a-zA-Z0-9][a-zA-Z0-9-]{{0,62}}{_DOT}){{1,5}}[a-zA-Z]{{2,24}})(?![\w-])"
)
_SPELLED_DOT = re.compile(_DOT)
#: What looks like a mailbox and is a file: photo@2x.png.
_FILES = frozenset("png jpg jpeg gif svg webp css js pdf".split())
_URL = re.compile(
    r"(?<![\w@.])(?:https?://[^\s<>\"'\u201c\u201d]{4,500}"
    r"|(?:www\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?:com|org|net|de|at|ch|co\.uk|uk|io|biz|info|us|ca|fr|it|es|nl|eu|shop|store"
    r"|restaurant|cafe|dental|studio|example|localhost)(?::\d{2,5})?"
    r"(?:/[^\s<>\"'\u201c\u201d]{0,400})?)(?![\w@])",
    re.IGNORECASE,
)
#: North American form: unmistakable, even for numbers that are not given out (555).
_NANP = re.compile(r"(?:\+?1[ .-]?)?(?:\(\d{3}\)\s?|\d{3}[ ./-])\d{3}[ .-]\d{4}\Z")
_LABEL = re.compile(
    r"(?:phone|tel|telephone|telefon|fon|mobile|mobil|cell|call|text|whatsapp|handy)"
    r"\W{0,3}(?:us|me|at|is|no|number|nr)?\W{0,3}\Z",
    re.IGNORECASE,
)
_FAX = re.compile(
    r"\b(?:fax|telefax)\b\W{0,3}(?:no|nr|number)?\W{0,3}\Z", re.IGNORECASE
)
#: Numbers that are tried and are none, until no more are looked for.
_TRIES = 2_000
#: Characters before a number in which its label stands.
_BEFORE = 24


def find_emails(text: str) -> list[Found]:
    """Find e-mail addresses, spelled-out ones ("rosa (at) mill (dot) com") too."""
    found = []
    for match in _EMAIL.finditer(text):
        domain = _SPELLED_DOT.sub(".", match["domain"])
        if domain.rpartition(".")[2].lower() in _FILES:
            continue
        try:
            address = normalise_address(f"{match['local']}@{domain}")
        except InvalidInput:
            continue
        found.append(Found(address, match.start(), match.end()))
    return distinct(found)


def find_urls(text: str, taken: Sequence[Found] = ()) -> list[Found]:
    """Find websites outside what is taken; without a scheme they get https."""
    found = []
    for match in _URL.finditer(text):
        piece = _without_tail(match[0])
        if "." not in piece:
            continue
        url = piece if "://" in piece else f"https://{piece}"
        each = Found(tidy_url(url), match.start(), match.start() + len(piece))
        if not overlaps(each, taken):
            found.append(each)
    return distinct(found)


def _without_tail(url: str) -> str:
    """Leave the full stop, or the bracket that was opened before, to the sentence."""
    while url and (
        url[-1] in ".,;:!?*_'\u2019"
        or (url[-1] == ")" and url.count("(") < url.count(")"))
    ):
        url = url[:-1]
    return url


def find_phones(
    text: str, taken: Sequence[Found] = (), *, region: str = "US"
) -> list[Found]:
    """Find telephone numbers in E.164; faxes, dates and prices are left out."""
    return distinct(each for each in _phones(text, region) if not overlaps(each, taken))


def _phones(text: str, region: str) -> Iterator[Found]:
    leniency = phonenumbers.Leniency.POSSIBLE
    matches = phonenumbers.PhoneNumberMatcher(
        text, region.upper() or None, leniency, max_tries=_TRIES
    )
    for match in matches:
        before = text[max(0, match.start - _BEFORE) : match.start]
        if _FAX.search(before) or not _is_whole(match.number):
            continue
        raw = match.raw_string
        is_certain = raw.startswith("+") or _NANP.match(raw) or _LABEL.search(before)
        if not is_certain and not (
            phonenumbers.is_valid_number(match.number) and _is_cut_like_one(raw)
        ):
            continue
        number = phonenumbers.format_number(
            match.number, phonenumbers.PhoneNumberFormat.E164
        )
        yield Found(number, match.start, match.start + len(raw))


def _is_whole(number: phonenumbers.PhoneNumber) -> bool:
    """Say whether a number can be called from anywhere: with its area code."""
    reason = phonenumbers.is_possible_number_with_reason(number)
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE)


def _is_cut_like_one(raw: str) -> bool:
    """Say whether signs stand between the digits, not as in a date or a sum."""
    is_date = re.fullmatch(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}", raw)
    return bool(re.search(r"\d[\s()/.-]+\d", raw)) and not is_date
