"""Say which addresses a script writes into its page, without running it. Pure.

Known ways: pieces joined with "+", in variables, in templates or from a list; strings
turned round, escaped, in ROT13, in base64 or as numbers of characters.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from urllib.parse import unquote

from leads.character_references import unescape

#: `mailto:` in ROT13, with what follows it.
ROT13_MAILTO = re.compile(r"znvygb:([^'\"<>\s]+)", re.IGNORECASE)
_JOINED_STRINGS = re.compile(r"(['\"])\s*\+\s*(['\"])")
#: `addy = addy + 'more'` continues the string that the variable holds.
_CONTINUED = re.compile(
    r"(['\"])\s*;?\s*(?:var\s+)?(\w+)\s*(?:\+=|=\s*\2\s*\+)\s*(['\"])"
)
_UNESCAPE = re.compile(r"unescape\(\s*['\"]([^'\"]+)['\"]", re.IGNORECASE)
_CONCAT = re.compile(
    r"(['\"])([^'\"\n]{0,100})\1\.concat\(((?:\s*['\"][^'\"\n]{0,100}['\"]\s*,?){1,9})\)"
)
_CHAR_CODE = re.compile(r"(?:String\.)?fromCharCode\(\s*([\d\s,]{1,400})\)")
_SLOT_OF_STRING = re.compile(r"\$\{\s*(['\"])([^'\"\n{}]{0,100})\1\s*\}")
#: `a = ['shop', 'rosa']`, whose items are joined as `a[1]`.
_ARRAY = re.compile(
    r"(?<![\w.$])([a-z_$][\w$]{0,40})\s*=\s*\[([^\[\]]{1,300})\]", re.IGNORECASE
)
_CHAR_CODES = re.compile(r"fromCharCode\(([\d\s,]+)\)")
_ESCAPED_CHAR = re.compile(
    r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([01][0-7]{2}|[4-7][0-7]))", re.IGNORECASE
)
#: What a script that writes an address into the page has about it.
_WRITES_ADDRESS = re.compile(
    r"mailto|lto:|cloak|addy|document\.write|innerHTML|textContent|innerText"
    r"|\.href\s*=|location",
    re.IGNORECASE,
)
_STRING = re.compile(
    r"(['\"])((?:(?!\1)[^\\\n]|\\.){0,300}@(?:(?!\1)[^\\\n]|\\.){0,300})\1"
)
#: Joined from strings in quotes of both kinds.
_MIXED = re.compile(r"['\"]([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})['\"]")
_MAILTO_STRING = re.compile(r"mailto:\s*([^'\"<>\s?]+@[^'\"<>\s?]+)", re.IGNORECASE)
_BASE64_VALUE = re.compile(r"[A-Za-z0-9+/_-]{8,400}={0,2}")
#: `name = "value";` where nothing is joined to the value.
_ASSIGNED = re.compile(
    r"(?<![\w.$])([a-z_$][\w$]{0,40})\s*=\s*(['\"`])([^'\"`$\\\n]{0,100})\2\s*(?=[;,\n]|$)",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<![\w.$'\"])([a-z_$][\w$]{0,40})(?=\s*\+)|(?<=\+)\s*([a-z_$][\w$]{0,40})(?![\w.($'\"])",
    re.IGNORECASE,
)
_SLOT = re.compile(r"\$\{\s*([a-z_$][\w$]{0,40})\s*\}", re.IGNORECASE)
_TEMPLATE = re.compile(r"`([^`$'\"\n]{0,300})`")
_LIST = re.compile(r"\[([^\[\]]{0,300})\]\.join\(\s*(['\"])([^'\"]{0,5})\2\s*\)")
_REVERSED = re.compile(
    r"(['\"])([^'\"\n]{3,200})\1\.split\(\s*(?:''|\"\")\s*\)\.reverse\(\)"
    r"\.join\(\s*(?:''|\"\")\s*\)"
)
_DECODED = re.compile(
    r"(?:decodeURI(?:Component)?|unescape)\(\s*(['\"])([^'\"\n]{1,300})\1\s*\)"
)
#: `'rosa#shop.example'.replace('#', '@')`; of expressions those that are one sign.
_REPLACED = re.compile(
    r"(['\"])([^'\"\n]{1,200})\1\.replace(?:All)?\(\s*"
    r"(?:(['\"])([^'\"\n]{1,20})\3|/([\w #~!%&;:,-]{1,20})/[gi]{0,2})\s*,\s*"
    r"(['\"])([^'\"\n]{0,5})\6\s*\)"
)
_ANY_STRING = re.compile(r"(['\"])([^'\"\n]{0,100})\1")
_BASE64_CALL = re.compile(r"atob\(\s*['\"]([A-Za-z0-9+/=_-]{8,400})['\"]")


def from_base64(value: str) -> str:
    """Give the address that base64 hides, empty when it hides none."""
    if not _BASE64_VALUE.fullmatch(value.strip()):
        return ""
    text = from_base64_text(value)
    return text.removeprefix("mailto:") if "@" in text else ""


def from_base64_text(value: str) -> str:
    """Give the text that base64 holds, empty for what is none."""
    try:
        padded = value.strip() + "=" * (-len(value.strip()) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        return ""


def script_addresses(script: str) -> Iterator[str]:
    """Give the addresses that a script writes into the page, and no others.

    A string with an address in it proves nothing: it has to go into a link, or into
    the page in several parts.
    """
    if not _WRITES_ADDRESS.search(script) and "atob(" not in script:
        return
    for code in _UNESCAPE.findall(script):
        yield from _MAILTO_STRING.findall(unescape(unquote(code)))
    for codes in _CHAR_CODES.findall(script):
        yield _from_codes(codes)
    for code in _BASE64_CALL.findall(script):
        yield from_base64(code)
    for code in ROT13_MAILTO.findall(script):
        yield codecs.decode(code, "rot13")
    script = re.sub(r"\s{2,}", " ", script)
    joined = _joined(script)
    yield from _MAILTO_STRING.findall(joined)
    # Only what had been taken apart or written in codes was meant to be hidden.
    whole = {found[2] for found in _STRING.finditer(script)}
    for found in _STRING.finditer(joined):
        if found[2] not in whole:
            yield found[2]
    for found in _MIXED.finditer(joined):
        if not any(found[1] in each for each in whole):
            yield found[1]


def _joined(script: str) -> str:
    """Give a script with its codes decoded and its strings put together."""
    plain = _ESCAPED_CHAR.sub(_unescaped, script)
    plain = _REVERSED.sub(lambda m: f'"{m[2][::-1]}"', plain)
    plain = _REPLACED.sub(_from_replaced, plain)
    plain = _DECODED.sub(lambda m: f'"{unquote(m[2])}"', plain)
    plain = _CHAR_CODE.sub(lambda m: f'"{_chars(m[1])}"', plain)
    plain = _with_items(_LIST.sub(_from_list, plain))
    plain = _SLOT_OF_STRING.sub(r"\2", _CONCAT.sub(_from_concat, plain))
    plain = _TEMPLATE.sub(r'"\1"', _with_values(plain))
    return unescape(_CONTINUED.sub("", _JOINED_STRINGS.sub("", plain)))


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[3], 8) if found[3] else int(found[1] or found[2], 16))


def _from_replaced(found: re.Match[str]) -> str:
    return f'"{found[2].replace(found[4] or found[5], found[7])}"'


def _from_concat(found: re.Match[str]) -> str:
    pieces = [each[2] for each in _ANY_STRING.finditer(found[3])]
    return f'"{found[2]}{"".join(pieces)}"'


def _from_list(found: re.Match[str]) -> str:
    pieces = [each[2] for each in _ANY_STRING.finditer(found[1])]
    return f'"{found[3].join(pieces)}"' if pieces else found[0]


def _with_items(script: str) -> str:
    """Put the items of lists that are set once in the places where they are joined."""
    for name, listed in _ARRAY.findall(script)[:20]:
        items = [each[2] for each in _ANY_STRING.finditer(listed)]
        for at, item in enumerate(items[:20]):
            script = re.sub(
                rf"(?<![\w.$]){re.escape(name)}\[{at}\]", f'"{item}"', script
            )
    return script


def _with_values(script: str) -> str:
    """Put the values of variables that are set once in the places where they are joined."""
    names: dict[str, str | None] = {}
    for found in _ASSIGNED.finditer(script):
        names[found[1]] = None if found[1] in names else found[3]
    values = {name: value for name, value in names.items() if value is not None}
    if not values:
        return script

    def put(found: re.Match[str]) -> str:
        value = values.get(found[1] or found[2])
        return found[0] if value is None else f'"{value}"'

    filled = _SLOT.sub(lambda found: values.get(found[1], found[0]), script)
    return _NAME.sub(put, filled)


def _from_codes(codes: str) -> str:
    text = _chars(codes)
    return text if "@" in text else ""


def _chars(codes: str) -> str:
    numbers = [int(code) for code in codes.split(",") if code.strip().isdigit()]
    return "".join(chr(number) for number in numbers if number < 0x110000)
