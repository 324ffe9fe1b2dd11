"""Read complaints: feedback reports (RFC 5965) and the older forms of some providers. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from campaigns.incoming.mime import Headers
from campaigns.incoming.reading import Incoming, first_address

_FIELD = re.compile(r"(?m)^[ \t]{0,4}([A-Za-z][A-Za-z-]{2,40})[ \t]*:[ \t]*(.*)$")
#: Feedback types that are no complaint of a person about a mail.
_NO_COMPLAINT = {"not-spam", "auth-failure", "dmarc", "virus"}
_SUBJECT = re.compile(
    r"complaint about message from|e-?mail feedback report for|\babuse report\b|"
    r"client tos notification|^\W*(?:fwd?: ?)?\[?(?:fbl|spam) (?:report|complaint)",
    re.IGNORECASE,
)
#: Nothing else has such a subject and holds a mail.
_PLAIN = re.compile(r"abuse report|complaint about message from", re.IGNORECASE)
_SENDER = re.compile(
    r"^(?:scomp|fbl\S*|feedback\S*|staff)@|@(?:\S+\.)?(?:fbl|arf)\.", re.IGNORECASE
)
#: Who reports spam for others, in forms of their own.
_SERVICE = re.compile(
    r"@(?:\S+\.)?(?:reports\.spamcop|abusix|clean-mx|blocklist)\.", re.IGNORECASE
)
_DESK = re.compile(
    r"^(?:abuse|anti-?spam|spam|complaints?|fbl|feedback)\b", re.IGNORECASE
)
_OF_DESK = re.compile(
    r"\b(?:abuse|spam|ube)\W{1,3}(?:\w+ ){0,2}(?:report|complaint|notice|notification|incident)|"
    r"(?:report|complaint)s?\b.{0,40}\b(?:spam|abuse)|\[spamcop\b|"
    r"spam\W?(?:beschwerde|meldung)|missbrauch|(?:plainte|reclama\w+|segnalazione)\b.{0,40}\b(?:spam|abus)",
    re.IGNORECASE,
)
#: A report whose parts were lost on the way.
_IN_TEXT = re.compile(r"(?m)^Feedback-Type:[ \t]*[\w-]+[ \t]*$", re.IGNORECASE)
_BESIDE = re.compile(
    r"(?m)^(?:User-Agent|Version|Source-IP|Original-(?:Rcpt-To|Mail-From)):",
    re.IGNORECASE,
)
#: Headers in which providers tell the recipient; the plain To may be hidden by them.
_RECIPIENT_HEADERS = ("x-hmxmroriginalrecipient", "x-original-to", "to", "delivered-to")


@dataclass(frozen=True, slots=True)
class Complaint:
    """Who complained, as far as the provider tells, and in what form."""

    addresses: list[str]
    #: RFC 5965's feedback type: abuse, fraud, opt-out …
    feedback_type: str


def read_complaint(message: Incoming) -> Complaint | None:
    """Return the complaint that a message is, None for all others."""
    reports = message.reports.get("message/feedback-report", [])
    if not reports and _is_in_text(message):
        reports = [message.text]
    for report in reports:
        fields = _fields(report)
        kind = (fields.get("feedback-type") or ["abuse"])[0].lower()
        if kind in _NO_COMPLAINT:
            return None
        return Complaint(_addresses(fields, message.original), kind)
    subject = message.subject
    is_told = _SENDER.search(message.sender) or _PLAIN.search(subject)
    if message.original and is_told and _SUBJECT.search(subject):
        return Complaint(_addresses({}, message.original), "abuse")
    if _is_from_desk(message):
        return Complaint(_addresses({}, message.original), "abuse")
    return None


def _is_from_desk(message: Incoming) -> bool:
    """Say whether a desk against spam wrote it, which uses no form of a report."""
    if "x-spamcop-sourceip" in message.headers or _SERVICE.search(message.sender):
        return True
    is_answer = "in-reply-to" in message.headers
    is_desk = bool(_DESK.search(message.sender)) and not is_answer
    return is_desk and bool(_OF_DESK.search(message.subject))


def is_feedback(message: Incoming) -> bool:
    """Say whether it is a feedback report of any type, complaint or not."""
    return (
        message.report_type == "feedback-report"
        or "message/feedback-report" in message.reports
        or _is_in_text(message)
    )


def _is_in_text(message: Incoming) -> bool:
    if message.report_type == "feedback-report":
        return True
    text = message.text[:20_000]
    return bool(_IN_TEXT.search(text) and _BESIDE.search(text))


def _fields(report: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(report):
        fields.setdefault(name.lower(), []).append(value.strip())
    return fields


def _addresses(fields: dict[str, list[str]], original: Headers) -> list[str]:
    for name in ("original-rcpt-to", "removal-recipient"):
        found = [first_address(value) for value in fields.get(name, [])]
        if addresses := [address for address in found if address]:
            return list(dict.fromkeys(addresses))
    for name in _RECIPIENT_HEADERS:
        if address := first_address(original.text(name)):
            return [address]
    return []
