"""Read what Amazon SES tells by mail, through SNS: bounces and complaints in JSON. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from campaigns.incoming.failure_reasons import Diagnosis, diagnose
from campaigns.incoming.reading import Incoming

#: Recipients that are read of one notice.
MAX_RECIPIENTS = 100

_KIND = re.compile(r'\\?"(?:notificationType|eventType)\\?"\s*:')
#: How long lines are broken on the way.
_FOLD = re.compile(r"!\n ?")
_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Notified:
    """What a notice says: its kind in lower case, and of whom, with the server's words."""

    kind: str
    recipients: list[tuple[str, str, Diagnosis]]


def read_json_notice(message: Incoming) -> Notified | None:
    """Return what a mail of SNS tells, None for all other mail."""
    text = message.text.lstrip()
    if not text.startswith("{") or not _KIND.search(text[:20_000]):
        return None
    told = _object(_FOLD.sub("", text))
    if isinstance(inner := told.get("Message"), str):
        told = _object(inner)
    kind = told.get("notificationType") or told.get("eventType")
    if not isinstance(kind, str):
        return None
    part = told.get(kind.lower())
    found = _recipients(part) if isinstance(part, dict) else []
    return Notified(kind.lower(), found)


def _object(text: str) -> dict[str, Any]:
    try:
        # The words about leaving the topic follow behind it.
        told, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _recipients(part: dict[str, Any]) -> list[tuple[str, str, Diagnosis]]:
    is_passing = part.get("bounceType") == "Transient"
    # "MailboxFull", "NoEmail": all that is said where no server was asked.
    in_short = _CAPITALS.sub(" ", str(part.get("bounceSubType") or "")).lower()
    named = part.get("bouncedRecipients") or part.get("complainedRecipients") or []
    found = []
    for each in named[:MAX_RECIPIENTS] if isinstance(named, list) else []:
        address = each.get("emailAddress") if isinstance(each, dict) else None
        if isinstance(address, str) and "@" in address:
            words = str(each.get("diagnosticCode") or "")
            status = str(each.get("status") or "")
            diagnosis = diagnose(
                words or in_short, status=status, is_final=not is_passing
            )
            found.append((address.strip(" <>").lower(), words or in_short, diagnosis))
    return found
