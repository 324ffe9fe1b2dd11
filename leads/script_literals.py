"""Write as JSON what is an object of JavaScript, or was typeset by an editor. Pure.

Single quotes, names without quotes, `undefined`, curly quotes and blanks that are no
blanks to JSON: each has one meaning only, outside of strings.
"""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.)*+"?'
    r"|'(?P<single>(?:[^'\\\n]++|\\.)*+)'"
    r"|[\u201c\u201d\u201e](?P<curly>[^\u201c\u201d\u201e\"\n]*+)[\u201c\u201d]"
    r"|(?P<word>[A-Za-z_$][\w$]*+)(?P<colon>\s*+:)?+"
    r"|(?P<blank>[\xa0\u2000-\u200b\u202f\u3000\ufeff])",
    re.DOTALL,
)


def as_json(text: str) -> str:
    """Give the text with JSON's own quotes, names and blanks."""
    return _TOKEN.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    if (single := found["single"]) is not None:
        # `\'` is no escape of JSON, a bare `"` needs one.
        bare = single.replace("\\'", "'")
        return '"' + re.sub(r'(?<!\\)"', r'\\"', bare) + '"'
    if (curly := found["curly"]) is not None:
        return json.dumps(curly)
    if found["blank"]:
        return " "
    word = found["word"]
    if word and found["colon"]:
        return f'"{word}"{found["colon"]}'
    return "null" if word == "undefined" else found[0]
