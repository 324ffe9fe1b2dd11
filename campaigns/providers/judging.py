"""What a provider's answer means for the mail. Pure.

Status first, then the provider's own words, those about the recipient before those about
the account: one wrong key must not burn a whole audience, one bad address not stop it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from campaigns.fates import Fate, Outcome

#: About this recipient alone.
_RECIPIENT = re.compile(
    r"recipient|inactive|suppress|unsubscribed|blocklist|blacklist"
    r"|[`'\"]?\bto\b[`'\"]? (?:field|address|email|parameter)|[`'\"]to[`'\"]",
    re.IGNORECASE,
)
#: About all mails of the account.
_ACCOUNT = re.compile(
    r"not verified|unverified|not (?:been )?(?:confirmed|authori[sz]ed|allowed)|suspend"
    r"|paused|credit|balance|payment|billing|pending approval|sender|\bfrom\b|domain"
    r"|api.?key|invalid.?key|signature|token|subaccount",
    re.IGNORECASE,
)
#: Too much for now.
_PACE = re.compile(
    r"throttl|rate.?exceeded|rate limit|quota|too many|limit.?exceeded", re.IGNORECASE
)
#: The account or its address is wrong, whatever the words are.
_TROUBLE = {401, 402, 403, 404, 405, 407, 410, 451}
#: Not taken, for certain.
_LATER = {408, 425, 429, 503}


def judge(name: str, status: int, text: str) -> Outcome:
    """Give the fate that an answer tells, and a sentence; any status but 2xx.

    A server's fault leaves the mail in doubt: what stands before the service may give
    up on a request that is being done.
    """
    said = f"HTTP {status}{_said(text)}"
    if status in _LATER:
        return _later(name, said)
    if status < 400 or status in _TROUBLE:
        return _trouble(name, said)
    if status >= 500:
        return _judge_fault(name, text, said)
    if _PACE.search(text):
        return _later(name, said)
    if not _RECIPIENT.search(text) and _ACCOUNT.search(text):
        return _trouble(name, said)
    return Outcome(Fate.REFUSED, f"{name} refused the mail: {said}.")


def judge_unread(name: str, text: str) -> Outcome:
    """Give the fate that an answer of 2xx tells which names no accepted mail."""
    value = parse(text)
    if str(value.get("status", "")).lower().endswith("error"):
        return judge(name, 400, text)  # Postal says so with status 200.
    return Outcome(
        Fate.IN_DOUBT,
        f"{name} answered the request with 2xx and nothing that can be understood: the"
        " mail may or may not have been taken. Settle it when you know.",
    )


def parse(text: str) -> dict[str, Any]:
    """Read an answer's JSON object; anything else is an empty one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _judge_fault(name: str, text: str, said: str) -> Outcome:
    value = parse(text)
    error = str(value.get("name", ""))
    if value.get("status") == "error" and error:
        # Mandrill says with status 500 what others say with 4xx.
        if error in ("ServiceUnavailable", "TooManyRequests"):
            return _later(name, said)
        if error != "GeneralError":
            return judge(name, 400, text)
    return Outcome(
        Fate.IN_DOUBT,
        f"{name} failed while it had the mail ({said}): it may or may not have been"
        " taken. It is not sent again by itself; settle it when you know.",
    )


def _later(name: str, said: str) -> Outcome:
    return Outcome(Fate.TRY_LATER, f"{name} says not now: {said}.")


def _trouble(name: str, said: str) -> Outcome:
    return Outcome(
        Fate.ACCOUNT_TROUBLE,
        f"{name} refused the account ({said}): correct its key and API address here,"
        " and its sender and domain there.",
    )


def _said(text: str) -> str:
    message = _message(parse(text)) or text
    printable = "".join(char if char.isprintable() else " " for char in message)
    told = " ".join(printable.split())[:200].rstrip(".")
    return f": {told}" if told else ""


def _message(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _message(value[0]) if value else ""
    if not isinstance(value, dict):
        return ""
    known = {str(key).lower(): each for key, each in value.items()}
    for key in (
        "message",
        "errormessage",
        "error_message",
        "errors",
        "error",
        "detail",
    ):
        if found := _message(known.get(key)):
            return found
    return ""
