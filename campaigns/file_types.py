"""What a file is by its content, and whether it may go with a mail. Pure.

Gmail and Outlook refuse programs, scripts and archives that hold them; a file that calls
itself something else than it is is what they look for. So only these kinds go out.
https://support.google.com/mail/answer/6590
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import PurePath
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

from fliptech_site.errors import InvalidInput

#: All files of one template; Gmail takes 25 MB with encoding, many servers 10 MB.
MAX_TOTAL_BYTES = 5 * 1024 * 1024
MAX_FILES = 20


class Kind(NamedTuple):
    """A kind of file: its type for MIME, its endings, whether browsers show it."""

    content_type: str
    endings: tuple[str, ...]
    is_image: bool = False


PNG = Kind("image/png", ("png",), is_image=True)
JPEG = Kind("image/jpeg", ("jpg", "jpeg"), is_image=True)
GIF = Kind("image/gif", ("gif",), is_image=True)
WEBP = Kind("image/webp", ("webp",), is_image=True)
PDF = Kind("application/pdf", ("pdf",))
_OFFICE = "application/vnd.openxmlformats-officedocument"
#: The part that only this kind of document has.
_IN_ZIP = {
    "word/document.xml": Kind(f"{_OFFICE}.wordprocessingml.document", ("docx",)),
    "xl/workbook.xml": Kind(f"{_OFFICE}.spreadsheetml.sheet", ("xlsx",)),
    "ppt/presentation.xml": Kind(f"{_OFFICE}.presentationml.presentation", ("pptx",)),
}
_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": PNG,
    b"\xff\xd8\xff": JPEG,
    b"GIF87a": GIF,
    b"GIF89a": GIF,
    b"%PDF-": PDF,
}
_TEXTS = {
    "BEGIN:VCALENDAR": Kind("text/calendar", ("ics",)),
    "BEGIN:VCARD": Kind("text/vcard", ("vcf",)),
}
TEXT = Kind("text/plain", ("txt",))
CSV = Kind("text/csv", ("csv",))
_KINDS = (*_BEGINNINGS.values(), WEBP, *_IN_ZIP.values(), *_TEXTS.values(), TEXT, CSV)
ENDINGS = tuple(sorted({ending for kind in _KINDS for ending in kind.endings}))


def kind_of(name: str, content: bytes) -> Kind:
    """Give what a file is. Raises InvalidInput for what may not go with a mail."""
    ending = PurePath(name).suffix.lower().lstrip(".")
    kind = _recognised(content, ending)
    if kind is None or ending not in kind.endings:
        is_named = f"is {kind.content_type}, not" if kind else "isn't"
        raise InvalidInput(
            f"{name!r} {is_named} what its ending says, or of no kind that mail servers"
            f" let through: use {', '.join(ENDINGS)}."
        )
    return kind


def check_name(name: str) -> None:
    """Refuse a name that some system could not store. Raises InvalidInput."""
    is_safe = (
        name.isprintable()
        and name == name.strip()
        and not set(name) & set('/\\:*?"<>|')
    )
    if not is_safe or name.startswith(".") or not 0 < len(name) <= 150:
        raise InvalidInput(
            f"{name[:80]!r} is no good name for a file: use letters, digits, blanks,"
            " points and hyphens."
        )


def check_total(sizes: Sequence[int]) -> None:
    """Refuse more than a mail should carry. Raises InvalidInput."""
    if len(sizes) > MAX_FILES or sum(sizes) > MAX_TOTAL_BYTES:
        raise InvalidInput(
            f"{len(sizes)} files with {sum(sizes) / 1024**2:.1f} MB are too much for a"
            f" mail: at most {MAX_FILES} files and {MAX_TOTAL_BYTES // 1024**2} MB. Put"
            " large files on the web and link to them."
        )


def _recognised(content: bytes, ending: str) -> Kind | None:
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return WEBP
    if content.startswith(b"PK"):
        return _document(content)
    return _text(content, ending)


def _document(content: bytes) -> Kind | None:
    try:
        with ZipFile(BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (BadZipFile, ValueError, OSError):
        return None
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        return None
    return next((kind for part, kind in _IN_ZIP.items() if part in names), None)


def _text(content: bytes, ending: str) -> Kind | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if any(ord(c) < 32 and c not in "\t\r\n\f" for c in text) or text.startswith("#!"):
        return None
    for beginning, kind in _TEXTS.items():
        if text.startswith(beginning):
            return kind
    return CSV if ending in CSV.endings else TEXT
