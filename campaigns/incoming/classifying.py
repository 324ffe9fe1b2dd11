"""Decide what a message that came in is: bounce, complaint, auto-reply, reply, other. Pure.

The order is what keeps machines from being counted as people: reports first, then notices
of mail servers, then automatic answers; a reply is what is left and looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from campaigns.incoming.auto_replies import is_list, why_automatic
from campaigns.incoming.bouncing import MAX_WORDS, Failed, is_mail_system, read_bounce
from campaigns.incoming.complaints import is_feedback, read_complaint
from campaigns.incoming.json_notices import Notified, read_json_notice
from campaigns.incoming.reading import Incoming, read_incoming
from campaigns.incoming.reply_texts import new_text_of, own_text_of

_RE = re.compile(
    r"^\W*(?:re|aw|antw|sv|vs|odp|rif|res|r|ynt|回复|答复|回覆|ответ)\s?(?:\[\d+\])?\s?[:：]",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """What came in."""

    #: A mail server says that it could not deliver, or not yet.
    BOUNCE = "bounce"
    #: A recipient called a mail spam.
    COMPLAINT = "complaint"
    #: A machine answered: out of office, receipts, tickets, challenges.
    AUTO_REPLY = "auto_reply"
    #: A person answered.
    REPLY = "reply"
    #: Everything else: news, reports of success, what can't be read.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Classified:
    """The kind of a message, and whom it is about where it is a bounce or a complaint."""

    kind: Kind
    recipients: list[Failed] = field(default_factory=list)
    #: Why it was taken for that, for people.
    reason: str = ""


def classify(raw: bytes, *, own: Collection[str] = ()) -> Classified:
    """Classify a raw message; never raises. `own` are addresses of our side."""
    return classify_incoming(read_incoming(raw), own=own)


def classify_incoming(message: Incoming, *, own: Collection[str] = ()) -> Classified:
    """Classify a message that was read already; never raises."""
    if complaint := read_complaint(message):
        recipients = [
            Failed(address, address, "", complaint.feedback_type, False, "")
            for address in complaint.addresses
        ]
        return Classified(Kind.COMPLAINT, recipients, "It is a feedback report.")
    if notified := read_json_notice(message):
        return _notified(notified)
    if is_feedback(message):
        return Classified(Kind.OTHER, reason="A feedback report, but no complaint.")
    bounce = read_bounce(message, own={address.lower() for address in own})
    if bounce is not None:
        kind = Kind.BOUNCE if bounce.is_failure else Kind.OTHER
        return Classified(kind, bounce.recipients, bounce.why)
    return _personal(message)


def _notified(notified: Notified) -> Classified:
    kinds = {"bounce": Kind.BOUNCE, "complaint": Kind.COMPLAINT}
    kind = kinds.get(notified.kind, Kind.OTHER)
    recipients = []
    for address, words, found in notified.recipients:
        if kind == Kind.COMPLAINT:
            recipients.append(Failed(address, address, "", "abuse", False, ""))
        else:
            recipients.append(
                Failed(
                    address,
                    address,
                    found.status,
                    found.reason,
                    found.is_hard,
                    words[:MAX_WORDS],
                )
            )
    return Classified(kind, recipients, f"A provider tells of a {notified.kind[:20]}.")


def _personal(message: Incoming) -> Classified:
    text = message.text
    if why := why_automatic(message, new_text_of(text), own_text_of(text)):
        return Classified(Kind.AUTO_REPLY, reason=why)
    headers = message.headers
    if not message.sender or not (text.strip() or message.subject):
        return Classified(Kind.OTHER, reason="It has no sender or no text.")
    answers = "in-reply-to" in headers or "references" in headers
    if is_mail_system(message) and (not answers or "daemon" in message.sender):
        return Classified(Kind.OTHER, reason="A mail system wrote it.")
    if is_list(message) and not answers:
        return Classified(Kind.OTHER, reason="It is a newsletter or from a list.")
    if answers or _RE.search(message.subject):
        return Classified(
            Kind.REPLY, reason="It answers a mail, and no machine wrote it."
        )
    return Classified(Kind.REPLY, reason="A person wrote it, though not as an answer.")
