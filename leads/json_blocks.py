"""Read JSON as web pages carry it: wrapped, entity-coded, with small faults. Pure.

A block is read as it stands where that is possible. Otherwise only faults are put right
that leave no doubt about what was meant; what is left is broken, and says where.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from leads.character_references import unescape
from leads.script_literals import as_json

#: Characters of a block that are looked at.
_MAX_CHARACTERS = 2_000_000
#: Values that stand one after the other in a block.
_MAX_VALUES = 1_000
_BLANKS = " \t\r\n\ufeff\xa0\u2028\u2029\x00;,"
#: What stands around a block and can be told by itself; comments are not.
_WRAPPING = re.compile(
    r"(?:[\s\ufeff>]|<!\[CDATA\[|<!(?!--)|-->|//\s*+(?=<!|>|--|$)|//[^\n]*+\n"
    r"|(?:var|let|const)\s++[\w.$]++\s*+=)++"
)
_COMMENT_END = {"<!--": re.compile(r"[{}\[\]]|-->"), "/*": re.compile(r"\*/")}
_WRAPPING_ENDS = ("-->", "//", "/*", "*/", "<!", "]]>", "]>")
#: What a server said before the block: `<b>Warning</b>: Undefined …`.
_SAID_BEFORE = re.compile(r"<[a-z][^{\[]{0,2000}(?=[{\[])", re.IGNORECASE)
_ESCAPED_START = re.compile(r"[\[{\s]*&(?:quot|#34|#x22);", re.IGNORECASE)
#: A string, or one of the faults that stand between strings.
#:
#: A string or a comment that nothing ends goes to the end of the block: whoever began
#: again at each sign inside it would take the square of the time.
_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.)*+"?|//[^\n]*+|/\*.*?(?:\*/|\Z)'
    r'|,(?=\s*+[}\],])|[}\]](?=\s*+[{\["])',
    re.DOTALL,
)
_BAD_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|(.?))', re.DOTALL)
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}\[\],]', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}
#: How an object or a list begins, written out or as a character reference.
_BEGINNINGS = ("{", "[", "&")
#: Objects inside each other that are still completed.
_MAX_DEPTH = 50
_CLOSES_STRING = re.compile(r"\s*(?:[:}\]]|,\s*(?:[\"{\[\]}tfn\d-]|$)|$)")


@dataclass(frozen=True)
class JsonBlock:
    """What a block of JSON holds, and in what state it was."""

    values: list[Any] = field(default_factory=list)
    #: What had to be put right, empty for a good block.
    repair: str = ""
    #: Why the block, or its end, can't be read; empty for one that was read whole.
    fault: str = ""

    @property
    def state(self) -> str:
        """The word for the state: ok, repaired, partial or broken."""
        if self.fault:
            return "partial" if self.values else "broken"
        return "repaired" if self.repair else "ok"


def read_json_block(text: str) -> JsonBlock:
    """Read the values of a block; never raises."""
    text = text[:_MAX_CHARACTERS].strip(_BLANKS)
    if not text:
        return JsonBlock(fault="The block is empty.")
    said = _SAID_BEFORE.match(text)
    if inner := text[said.end() :] if said else _inside_string(text):
        return replace(read_json_block(inner), repair="what was wrapped around it")
    values, first_fault = _decode_all(text)
    if not first_fault:
        return JsonBlock(values)
    if not _unwrapped(text).startswith(_BEGINNINGS):
        return JsonBlock(values, fault=first_fault)
    tried = text
    for name, repair in _REPAIRS:
        tried, before = repair(tried), tried
        if tried == before:
            continue
        repaired, fault = _decode_all(tried)
        if not fault:
            return JsonBlock(repaired, repair=name)
        values = max(values, repaired, key=len)
    literal, fault = _decode_all(_tidied(as_json(_unwrapped(text))))
    if not fault:
        return JsonBlock(literal, repair="names and quotes of a script")
    if not values and (completed := _completed(_tidied(_unwrapped(text)))):
        values, _ = _decode_all(completed)
    return JsonBlock(values, fault=first_fault)


def _inside_string(text: str) -> str:
    """Give the block that a block is as a string: a site that encoded it twice."""
    if not text.startswith(('"{', '"[')) or not text.endswith('"'):
        return ""
    try:
        inner = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return ""
    return inner if isinstance(inner, str) else ""


def _completed(text: str) -> str:
    """Close a value whose end is missing after its last whole member, else nothing."""
    opened: list[str] = []
    end, closing = 0, ""
    for found in _BRACKET.finditer(text):
        sign = found[0]
        if sign in _CLOSING:
            opened.append(_CLOSING[sign])
        elif sign in ("}", "]"):
            if not opened or opened.pop() != sign:
                return ""
        elif sign != ",":
            continue
        if len(opened) > _MAX_DEPTH:
            return ""
        # A member is whole when its comma or its own closing bracket has come.
        end = found.start() if sign == "," else found.end()
        closing = "".join(reversed(opened))
    return text[:end] + closing if opened else ""


def _decode_all(text: str) -> tuple[list[Any], str]:
    """Decode the values that stand one after another; then what is wrong, if anything."""
    # strict=False: sites put raw line breaks into their descriptions.
    decoder = json.JSONDecoder(
        strict=False, parse_float=_finite, parse_constant=lambda _: None
    )
    values: list[Any] = []
    at = 0
    while at < len(text) and len(values) < _MAX_VALUES:
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            return values, f"Line {error.lineno}, column {error.colno}: {error.msg}."
        except (ValueError, RecursionError):
            return values, "It is nested too deeply, or has a number beyond measure."
        if isinstance(value, dict | list):
            values.append(value)
        at = _after_blanks(text, at)
    return values, "" if values else "It has neither an object nor a list."


def _finite(text: str) -> float | None:
    """Read a number; what is beyond measure is none, since JSON can't say it again."""
    number = float(text)
    return number if math.isfinite(number) else None


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _unwrapped(text: str) -> str:
    return text[_start_inside(text) : _end_inside(text)].strip(_BLANKS)


def _start_inside(text: str) -> int:
    """Say where the wrapping before a block ends."""
    at = 0
    #: Comment sign -> where its end, or a bracket before it, was last found.
    ends: dict[str, int] = {}
    while True:
        before = at
        if found := _WRAPPING.match(text, at):
            at = found.end()
        for sign, end in _COMMENT_END.items():
            if text.startswith(sign, at):
                at = _after_comment(text, at, sign, end, ends)
        if text.startswith("*/", at):
            at += 2
        if at == before:
            return at


def _after_comment(
    text: str, at: int, sign: str, end: re.Pattern[str], ends: dict[str, int]
) -> int:
    """Skip a comment, or its sign alone when it has no end or the block begins in it."""
    at += len(sign)
    if ends.get(sign, -1) < at:
        # What was found holds for all signs before it, so that each is found once.
        found = end.search(text, at)
        ends[sign] = found.start() if found else len(text)
    where = ends[sign]
    is_whole = text.startswith(("-->", "*/"), where)
    return where + (3 if sign == "<!--" else 2) if is_whole else at


def _end_inside(text: str) -> int:
    """Say where the wrapping behind a block begins.

    From the end on, because an expression would look at every run of blanks.
    """
    at = len(text)
    while True:
        while (at and text[at - 1] in _BLANKS) or (at and text[at - 1].isspace()):
            at -= 1
        end = next((end for end in _WRAPPING_ENDS if text.endswith(end, 0, at)), "")
        if not end:
            return at
        at -= len(end)


def _without_surplus_end(text: str) -> str:
    """Drop closing brackets that nothing opened."""
    depth, end = 0, len(text)
    for found in _BRACKET.finditer(text):
        sign = found[0]
        depth += (sign in "{[") - (sign in "}]")
        if depth < 0:
            end = found.start()
            break
    rest = text[end:]
    return text[:end] if not rest.strip("}] \t\r\n;,") else text


def _unescaped(text: str) -> str:
    """Decode character references when even the block's own quotes are some."""
    return unescape(text) if _ESCAPED_START.match(text) else text


def _tidied(text: str) -> str:
    """Drop comments and commas before a closing bracket; add commas that are missing."""
    return "".join(_tidy_tokens(text))


def _tidy_tokens(text: str) -> Iterator[str]:
    at = 0
    for found in _TOKEN.finditer(text):
        yield text[at : found.start()]
        at = found.end()
        token = found[0]
        if token.startswith('"'):
            yield _BAD_ESCAPE.sub(_good_escape, token)
            # `"a" "b"` lacks a comma, `"a": "b"` does not.
            if re.match(r'\s*"', text[at : at + 100]):
                yield ","
        elif token in ("}", "]"):
            yield f"{token},"
        elif not token.startswith(("/", ",")):
            yield token
    yield text[at:]


def _good_escape(found: re.Match[str]) -> str:
    """Keep what JSON knows; `\\'` is an apostrophe, any other backslash is itself."""
    if found[1]:
        return found[0]
    return "'" if found[2] == "'" else f"\\\\{found[2]}"


def _with_inner_quotes(text: str) -> str:
    """Escape quotes inside a string: those that nothing of JSON's own follows."""
    parts: list[str] = []
    is_inside = False
    at = 0
    for found in re.finditer(r'\\.|"', text, re.DOTALL):
        parts.append(text[at : found.start()])
        at = found.end()
        if found[0] != '"':
            parts.append(found[0])
        elif not is_inside:
            is_inside = True
            parts.append('"')
        elif _CLOSES_STRING.match(text, at):
            is_inside = False
            parts.append('"')
        else:
            parts.append('\\"')
    return "".join([*parts, text[at:]])


_REPAIRS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("what was wrapped around it", _unwrapped),
    ("closing brackets too many", _without_surplus_end),
    ("character references", _unescaped),
    ("comments, commas and escapes", _tidied),
    ("quotes inside a string", _with_inner_quotes),
)
