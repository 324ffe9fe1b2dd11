"""Recognise the lines that mail programs put above what they quote. Pure.

Each line is looked at with at most a few after it, so that reading stays linear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from campaigns.incoming.phrases import read_phrases

#: Lines over which "On …, … wrote:" may be wrapped, and its longest form.
MAX_WRAPPED = 5
MAX_ATTRIBUTION = 400
#: Lines in which a block of From, Sent, To, Subject is looked for.
_BLOCK_LINES = 8

_PHRASES = read_phrases("quotes")
_VERB = re.compile(
    rf"\b(?:{_PHRASES['verb']})\b|{_PHRASES['verb_unspaced']}", re.IGNORECASE
)
_TIME = re.compile(r"\d{1,2}\s?[:.hu]\s?\d{2}")
_DATE = re.compile(
    r"\b(?:19|20)\d\d\b|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}(?:[snr][tdh]|th)?\.? [^\W\d]{3,10}\b|[^\W\d]{3,10}\.? \d{1,2}\b|\d{4}年"
)
_ADDRESS = re.compile(r"[^\s<>\"(\[@]{1,64}@[\w.-]{2,100}")
#: An address as programs name a sender: in brackets, or last.
_SENDER = re.compile(r"[<(\[\"][^\s<>]{1,64}@|@[\w.-]{2,100}[>)\]\"]?\W{0,3}[:：]$")
_LINK = re.compile(r"https?://[^\s>)]{1,400}")
_LEAD = re.compile(rf"^(?:{_PHRASES['lead']})\b", re.IGNORECASE)
_DASHES = re.compile(r"^[\s*_\-—–=|]{0,40}|[\s*_\-—–=|]{0,40}$")
_BETWEEN_DASHES = re.compile(r"^\s{0,4}-{3,}[^-].{0,300}-{3,}\s*$")
_ORIGINAL = re.compile(
    rf"^[\W_]{{0,60}}(?:{_PHRASES['original']})[\W_]{{0,60}}$", re.IGNORECASE
)
#: What ticket systems put above the mail that is to be answered.
_ABOVE = re.compile(_PHRASES["above"], re.IGNORECASE)
_DASHED = re.compile(r"^\s{0,4}-{4,}\s?[^\W\d_][^\n\-:]{3,45}?\s?-{4,}\s*$")
_BANNER = re.compile(rf"^\W{{0,4}}(?:{_PHRASES['banner']})$", re.IGNORECASE)
_FORWARDED = re.compile(_PHRASES["forwarded"], re.IGNORECASE)
#: Names of header lines: 0 who, 1 when, 2 to whom, 3 about what.
_NAMES = [_PHRASES[kind] for kind in ("who", "when", "to_whom", "about")]
_HEADER = [
    re.compile(
        rf"^[\s*_>]{{0,6}}(?:{names})[\s*_]{{0,3}}[:：][\s*_]{{0,3}}(?:\S|$)",
        re.IGNORECASE,
    )
    for names in _NAMES
]


#: The same names on lines of their own, as Lotus Notes writes them.
_ALONE = [
    re.compile(rf"^\s{{0,40}}(?:{_PHRASES[kind]})\s?[:：]?(?:\s|$)", re.IGNORECASE)
    for kind in ("to_whom", "about")
]


def attribution_at(lines: Sequence[str], number: int) -> int:
    """Return how many lines the attribution takes that begins here, 0 without one.

    An attribution is "On …, … wrote:" in any of the usual languages, or a time and an
    address that end in a colon.
    """
    joined = ""
    for count in range(1, MAX_WRAPPED + 1):
        if number + count > len(lines):
            return 0
        line = lines[number + count - 1].strip()
        is_end_of_address = line.startswith(">") and joined.rfind("<") > joined.rfind(
            ">"
        )
        if count > 1 and (not line or (line.startswith(">") and not is_end_of_address)):
            return 0
        joined = f"{joined} {line}".strip()
        if len(joined) > MAX_ATTRIBUTION:
            return 0
        if is_attribution(joined):
            return count
        if count == 1 and not _may_begin(joined):
            return 0
    return 0


def _may_begin(line: str) -> bool:
    bare = _DASHES.sub("", line)
    return (
        bool(_LEAD.match(bare))
        or bool(_ADDRESS.search(bare))
        or bool(_DATE.search(bare))
    )


def is_attribution(line: str) -> bool:
    """Say whether a whole line, unwrapped, announces a quote."""
    bare = _DASHES.sub("", line).replace("&lt;", "<").replace("&gt;", ">")
    bare = _LINK.sub("", bare).rstrip()
    if len(bare) < 8:
        return False
    ends = bare.endswith((":", "："))
    if (
        _BETWEEN_DASHES.match(line)
        and _ADDRESS.search(bare)
        and _VERB.search(bare[-30:])
    ):
        return True
    if not ends and not _VERB.search(bare[-30:]):
        return False
    has_date = bool(_DATE.search(bare) or _TIME.search(bare))
    has_address = bool(_ADDRESS.search(bare))
    verb = next(reversed(list(_VERB.finditer(bare))), None)
    if verb is None:
        if ends and has_address and bare.lower().startswith("quoting "):
            return True
        return (
            ends
            and bool(_SENDER.search(bare))
            and bool(_TIME.search(bare))
            and bool(_DATE.search(bare))
        )
    after = bare[verb.end() :].strip(" :：\"'*_.")
    if not (has_date or has_address) or (not ends and after):
        return False
    # "On 5 May the customer wrote: please call" has words behind it, no name.
    if after and not has_address and len(after.split()) > 6:
        return False
    if not ends:
        return bool(_LEAD.match(bare)) and has_date
    # Some put the date behind: Anna wrote on 2 May 2026
    is_dated_behind = bool(_DATE.search(after)) and len(after.split()) <= 6
    return has_address or (has_date and (bool(_LEAD.match(bare)) or is_dated_behind))


def may_head_quote(line: str) -> bool:
    """Say whether a line just above quoted ones announces them, such as "Anna wrote:"."""
    bare = line.strip().strip("*_ ")
    if len(bare) > 200 or not bare.endswith((":", "：")):
        return False
    is_dated = bool(_DATE.search(bare) and _TIME.search(bare))
    return (
        bool(_VERB.search(bare[-40:]) or _ADDRESS.search(bare) or is_dated)
        and len(bare.split()) <= 12
    )


def header_block_at(lines: Sequence[str], number: int) -> int:
    """Return how many lines the block of From, Sent, To, Subject takes, 0 without one."""
    first = _kind_of(lines[number])
    if first is None or first == 2:
        return 0
    kinds = {first}
    count = 1
    for offset in range(1, _BLOCK_LINES):
        if number + offset >= len(lines):
            break
        line = lines[number + offset]
        kind = _kind_of(line)
        if kind is not None:
            kinds.add(kind)
            count = offset + 1
        elif not line.strip() and len(kinds) > 1:
            break
    has_who = 0 in kinds
    enough = (
        2 if first == 0 and _ADDRESS.search(" ".join(lines[number : number + 2])) else 3
    )
    return count if has_who and len(kinds) >= enough else 0


def is_notes_block_at(lines: Sequence[str], number: int) -> bool:
    """Say whether a name, a time, To and Subject follow each other, as in Lotus Notes."""
    if number + 1 >= len(lines) or not 2 < len(lines[number].strip()) <= 100:
        return False
    when = lines[number + 1].strip()
    if len(when) > 60 or not (_DATE.search(when) and _TIME.search(when)):
        return False
    to_whom, about = _ALONE
    below = lines[number + 2 : number + 2 + 2 * _BLOCK_LINES]
    to = next((at for at, line in enumerate(below) if to_whom.match(line[:60])), None)
    return (
        to is not None
        and to <= 2
        and any(about.match(each[:60]) for each in below[to:])
    )


def _kind_of(line: str) -> int | None:
    line = line[:200]
    if ":" not in line and "：" not in line:
        return None
    for kind, pattern in enumerate(_HEADER):
        if pattern.match(line):
            return kind
    return None


def is_original_mark(line: str, following: Sequence[str]) -> bool:
    """Say whether a line announces the original or a forwarded mail."""
    if len(line) > 120:
        return False
    if _ABOVE.search(line):
        return True
    if found := _ORIGINAL.match(line):
        # "Original message" alone may be a sentence's end; dashes or a colon mark it.
        return bool(re.search(r"[-‐‑–—_=*:>]", found[0]))
    return bool(_DASHED.match(line)) and any(
        _kind_of(each) is not None for each in following[:3]
    )


def is_above_mark(line: str) -> bool:
    """Say whether a line asks to write above it, as ticket systems do."""
    return len(line) <= 120 and bool(_ABOVE.search(line))


def is_banner(line: str) -> bool:
    """Say whether a line warns of mail from outside; its organisation put it there."""
    return bool(_BANNER.match(line[:600]))


def is_forward_mark(line: str) -> bool:
    """Say whether a line that is_original_mark announces a forwarded mail."""
    return bool(_FORWARDED.search(line))
