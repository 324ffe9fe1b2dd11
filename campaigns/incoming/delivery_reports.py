"""Read the fields of delivery reports (RFC 3464), also of broken ones. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Recipients that are read of one report.
MAX_RECIPIENTS = 1_000

_FIELD = re.compile(r"[ \t>]{0,4}([A-Za-z][A-Za-z-]{2,40})[ \t]*:[ \t]*(.*)")
_FOLD = re.compile(r"\n[ \t]+(?![A-Za-z-]{3,40}:)")
_ADDRESS = re.compile(
    r"(?:\"[^\"\s]{1,64}\"|[^\s<>\"'(),;:\[\]\\@]{1,64})@[^\s<>\"'(),;:\[\]\\@]{1,255}"
)
_TYPE = re.compile(
    r"\s*(?:rfc822|utf-?8|smtp|x-local|local|unknown|internet)\s*;\s*", re.IGNORECASE
)
_ATOMS = re.compile(r"[^\s.]+(?:\.[^\s.]+)*")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_RECIPIENT = ("final-recipient", "original-recipient", "x-actual-recipient")
_KNOWN = {*_RECIPIENT, "action", "status", "diagnostic-code", "remote-mta", "x-notes"}


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report says of one recipient; `action` is "" where none is stated."""

    #: As we wrote it, where the report tells, else the one that failed in the end.
    address: str
    #: The one that failed in the end: a forward's target, for instance.
    final_address: str
    action: str
    status: str
    diagnosis: str

    @property
    def is_failure(self) -> bool:
        """Whether the mail did not arrive, or not yet."""
        if not self.action and self.status.startswith("2."):
            return False
        return not self.action.startswith(("deliver", "relay", "expand"))

    @property
    def is_delayed(self) -> bool:
        """Whether the server goes on trying."""
        return self.action.startswith(("delay", "defer"))


def read_report(text: str) -> list[Reported]:
    """Return all recipients of a report, in its order."""
    found: list[Reported] = []
    for fields in _groups(text):
        if len(found) >= MAX_RECIPIENTS:
            break
        final = _address(fields.get("final-recipient", ""))
        original = _address(fields.get("original-recipient", ""))
        actual = _address(fields.get("x-actual-recipient", ""))
        # Some name only the mailbox, and the whole address in what they say of it.
        address = (
            original or final or actual or _address(fields.get("diagnostic-code", ""))
        )
        if address:
            found.append(
                Reported(
                    address=address,
                    final_address=final or address,
                    action=fields.get("action", "").lower().strip(),
                    status=fields.get("status", ""),
                    diagnosis=_diagnosis(fields),
                )
            )
    return found


def is_report(text: str) -> bool:
    """Say whether a text holds a report's fields, whatever type it claims to be."""
    lower = text[:100_000].lower()
    return "final-recipient:" in lower or (
        "original-recipient:" in lower and "action:" in lower
    )


def _groups(text: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each recipient; the report's own are left out."""
    fields: dict[str, str] = {}
    for line in _FOLD.sub(" ", text).split("\n"):
        found = _FIELD.match(line)
        name = found[1].lower() if found else ""
        if not line.strip():
            # Some put blank lines between the fields of one recipient.
            if _has_recipient(fields) and "action" in fields:
                yield fields
                fields = {}
        elif found and name in _KNOWN:
            if name in fields and _has_recipient(fields):
                yield fields
                fields = {}
            fields[name] = found[2].strip()
    if _has_recipient(fields):
        yield fields


def _has_recipient(fields: dict[str, str]) -> bool:
    return any(name in fields for name in _RECIPIENT)


def _address(value: str) -> str:
    value = _TYPE.sub("", value, count=1)
    found = _ADDRESS.search(value[:1_000])
    if not found:
        return ""
    address = _unquoted(found[0].strip("."))
    if "@" not in address.strip("@"):
        return ""
    # RFC 3461 writes special characters of the original address as +3D.
    if "=" not in address and re.search(r"\+(?:3D|2B|40)", address):
        address = _XTEXT.sub(lambda code: chr(int(code[1], 16)), address)
    return address.lower()


def _unquoted(address: str) -> str:
    """Leave out quotes that RFC 5322 does not need: those of `"a..b"@x.example` stay."""
    local, _, domain = address.rpartition("@")
    plain = local.replace('"', "")
    return (
        address if '"' in local and not _ATOMS.fullmatch(plain) else f"{plain}@{domain}"
    )


def _diagnosis(fields: dict[str, str]) -> str:
    diagnosis = re.sub(
        r"^\s*(?:smtp|x-\w[\w-]*|lmtp|unix)\s*;",
        "",
        fields.get("diagnostic-code", ""),
        flags=re.IGNORECASE,
    )
    return " ".join(diagnosis.split())
