"""Find in a notice written for people whom a mail did not reach. Pure.

Each mail server words its notices differently; what they share is where they put the
address: at the beginning of a line, behind a label, or in the sentence about the failure.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from campaigns.incoming.phrases import read_phrases

#: Lines of a notice that are looked at, and addresses that are taken from it.
MAX_LINES = 1_000
MAX_ADDRESSES = 100
#: Characters before an address in which is told whose it is.
_LEADING = 200

_ADDRESS = r"[\w!#$%&'*+/=?^`{|}~.\-]{1,64}@[\w\-]+(?:\.[\w\-]+)*"
_ANY = re.compile(_ADDRESS)
_FIRST = re.compile(
    rf"[\s>*\-\d.)]{{0,12}}(?:smtp:)?[<\[(\"']{{0,2}}(?:mailto:|smtp:)?({_ADDRESS})"
    r"[>\])\"']{0,2}\s*(?:<mailto:[^>]{1,200}>)?"
    r"\s*(?:$|[:;,(\[<]|\.\.|-|–|\s{2}|on\s|\(|mailbox|user|has|is|was|does|did|said)",
    re.IGNORECASE,
)
_PHRASES = read_phrases("bounces")
_LABELLED = re.compile(
    rf"(?:{_PHRASES['label']})\s?(?:\([^)]{{0,20}}\))?\s?(?:[:=：]|(?<=ed from))"
    rf"\s?[<\[\"' ]{{0,3}}(?:smtp:|mailto:|rfc822;\s?)?({_ADDRESS})",
    re.IGNORECASE,
)
_FAILING = re.compile(_PHRASES["failing"], re.IGNORECASE)
_OF_SENDER = re.compile(_PHRASES["before_our_side"], re.IGNORECASE)
_PROPOSED = re.compile(rf"(?:{_PHRASES['proposed']})[<\"' ]{{0,3}}$", re.IGNORECASE)
_PLACEHOLDERS = ("NAME@", "USERNAME@", "YOURNAME@")
_SERVICE = re.compile(
    r"(?:mailer-daemon|postmaster|abuse|noc|helpdesk|hostmaster|root|majordomo)@|@mx\.google\.com$|@localhost$",
    re.IGNORECASE,
)
_NOTATION = re.compile(r"^(?:smtp|rfc-?822)=")
_COPY = re.compile(
    rf"^[ \t\-=*_>#:|<]{{0,60}}+(?:{_PHRASES['copy']})[ \t\-=*_:.#|>]{{0,60}}$",
    re.IGNORECASE | re.MULTILINE,
)
_HEAD_OF_NAMES = re.compile(
    r"\b(?:recipients?|address(?:es|\(es\))?|users?|following)\b.{0,200}:\s*$",
    re.IGNORECASE,
)
_BARE_NAME = re.compile(
    r"[ \t]+<?([A-Za-z0-9][\w.\-]{1,39})>?\s*(?:\([^()@]{1,80}\)\s*)?"
)
_RAW_HEADERS = re.compile(
    r"(?m)^(?:> ?)?(?:Received: (?:from|by|\()|Return-Path: ?<|DKIM-Signature: )",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mentioned:
    """An address in a notice, how sure it is the failed one (3 to 1), what is said of it."""

    address: str
    sureness: int
    words: str


def notice_of(text: str) -> tuple[str, str]:
    """Tell the notice from the copy of the mail that it is about."""
    ends = [
        found.start()
        for found in (_COPY.search(text), _RAW_HEADERS.search(text))
        if found
    ]
    # A notice that begins with the copy tells nothing if it is cut there.
    end = min((end for end in ends if text[:end].strip()), default=len(text))
    return text[:end], text[end:]


def mentioned_in(notice: str, *, own: Collection[str]) -> list[Mentioned]:
    """Return the surest addresses of a notice; `own` are those of our side."""
    lines = notice.split("\n")[:MAX_LINES]
    surest: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(lines):
        around = line + "\n" + (lines[number + 1] if number + 1 < len(lines) else "")
        before = lines[number - 1] if number else ""
        for address, sureness in _in_line(line[:1_000], around[:2_000], before[:1_000]):
            known = surest.get(address)
            if address in own or (not known and len(surest) >= MAX_ADDRESSES):
                continue
            if known is None or known[0] < sureness:
                surest[address] = (sureness, known[1] if known else number)
    best = max((sureness for sureness, _ in surest.values()), default=0)
    chosen = {a: line for a, (sureness, line) in surest.items() if sureness == best}
    return _with_words(chosen, best, lines)


def said_before(notice: str, address: str) -> str:
    """Return the paragraph above an address if it is one short line, else ""."""
    before, found, _ = notice.lower().partition(address)
    paragraphs = re.split(r"\n\s*\n", before[-2_000:].rstrip(" <\t>\"'"))
    above = [each.strip() for each in paragraphs if each.strip()]
    line = above[-1] if found and above else ""
    return line if len(line) <= 90 and "\n" not in line else ""


def bare_names(notice: str) -> list[str]:
    """Return names without a domain that stand alone below "recipients:" or the like."""
    lines = notice.split("\n")[:MAX_LINES]
    names: list[str] = []
    is_list = False
    for line in lines:
        if _HEAD_OF_NAMES.search(line[:300]):
            is_list = True
        elif is_list and line.strip():
            found = _BARE_NAME.fullmatch(line)
            if not found:
                is_list = False
            elif len(names) < MAX_ADDRESSES:
                names.append(found[1])
    return names


def _in_line(line: str, around: str, before: str) -> list[tuple[str, int]]:
    if "@" not in line:
        return []
    found = []
    first = _FIRST.match(line)
    labelled = {match[1].lower() for match in _LABELLED.finditer(line)}
    tells_failure = bool(_FAILING.search(around) or _FAILING.search(before))
    for match in _ANY.finditer(line):
        address = _NOTATION.sub("", match[0].strip(".'`").lower())
        leading = line[max(match.start() - _LEADING, 0) : match.start()]
        is_example = match[0].startswith(_PLACEHOLDERS) or _PROPOSED.search(
            f"{before[-60:]} {leading}"
        )
        if not _is_plausible(address) or is_example:
            continue
        if (
            first and match[0] == first[1] and match.start() == first.start(1)
        ) or address in labelled:
            sureness = 3
        elif _OF_SENDER.search(leading):
            continue
        else:
            sureness = 2 if tells_failure else 1
        found.append((address, sureness - 2 * bool(_SERVICE.search(address))))
    return found


def _is_plausible(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    # Message ids are long and full of digits; 3 of 4 characters is none's name.
    digits = sum(letter.isdigit() for letter in local)
    return (
        bool(local)
        and bool(domain)
        and not (len(local) > 24 and digits * 2 > len(local))
    )


def _with_words(
    chosen: dict[str, int], sureness: int, lines: list[str]
) -> list[Mentioned]:
    """Give each address the lines up to the next one."""
    numbers = sorted(set(chosen.values()))
    following = dict(zip(numbers, [*numbers[1:], len(lines)], strict=False))
    return [
        Mentioned(
            address=address,
            sureness=sureness,
            words="\n".join(lines[number : min(following[number], number + 40)]),
        )
        for address, number in chosen.items()
    ]
