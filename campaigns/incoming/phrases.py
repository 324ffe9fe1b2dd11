"""Read the lists of phrases by which mail of machines and quotes are recognised.

They are data: a line each, so that one more language is one more line, and no change of
code.
"""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).parent / "words"


def read_phrases(name: str) -> dict[str, str]:
    """Return by section the expression that matches any of its phrases.

    In a file `[section]` begins a section and `#` a comment; blank lines are nothing.

    Raises:
        re.error: a line is no expression; it is named.
    """
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for raw in (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        line = raw.strip()
        if heading := re.fullmatch(r"\[([a-z_]+)\]", line):
            lines = sections.setdefault(heading[1], [])
        elif line and not line.startswith("#"):
            try:
                re.compile(line)
            except re.error as error:
                raise re.error(
                    f"{name}.txt: {line!r} is no expression: {error}"
                ) from error
            lines.append(line)
    return {section: "|".join(lines) for section, lines in sections.items()}


def read_lines(name: str) -> list[str]:
    """Return the lines of a list that has no sections, without comments."""
    text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
