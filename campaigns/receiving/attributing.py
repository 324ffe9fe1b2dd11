"""Find out which of our mails a message is about, by the surest sign there is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.incoming.mime import Headers
from campaigns.incoming.reading import Incoming
from campaigns.models import Email
from campaigns.states import REACHED
from campaigns.tagging import read_tag
from fliptech_site.errors import InvalidInput
from leads.suppression import normalise_address

#: A mail from an address that we wrote to so long ago is taken for an answer.
ANSWERS_WITHIN = timedelta(days=60)

_MESSAGE_ID = re.compile(r"<[^<>\s]{3,195}>")
#: Ids that are looked at, the newest of a thread; the others are of the same thread.
_MAX_IDS = 20
#: Headers in which servers keep the address that was written to.
_WRITTEN_TO = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-rcpt-to")


@dataclass(frozen=True, slots=True)
class Attribution:
    """Our mail, and how we know."""

    email: Email
    #: "references", "copy", "tag" or "address".
    matched_by: str


def attribute(
    message: Incoming, *, addresses: list[str], at: datetime
) -> Attribution | None:
    """Find the mail that a message answers or reports about; test mails are none.

    `addresses` are those that it may be about: its sender, or the failed recipients.
    Only mails that have left, or may have, are considered; of all accounts, since one
    mailbox may receive for many.
    """
    emails = (
        Email.objects.exclude(kind=Email.Kind.TEST)
        .filter(state__in=REACHED)
        .select_related("campaign", "account", "lead")
    )
    for ids, how in (
        (_ids_in(message.headers, "in-reply-to", "references"), "references"),
        (_ids_in(message.original, "message-id"), "copy"),
    ):
        found = {email.message_id: email for email in emails.filter(message_id__in=ids)}
        for each in ids:
            if each in found:
                return Attribution(found[each], how)
    if tagged := _tagged(message):
        email = emails.filter(pk=tagged).first()
        if email is not None:
            return Attribution(email, "tag")
    email = (
        emails.filter(
            address__in=_normalised(addresses),
            claimed_at__gte=at - ANSWERS_WITHIN,
            claimed_at__lte=at,
        )
        .order_by("-claimed_at")
        .first()
    )
    return Attribution(email, "address") if email else None


def _ids_in(headers: Headers, *names: str) -> list[str]:
    """Return the Message-IDs of headers, the nearest mail first."""
    found: list[str] = []
    for name in names:
        for value in headers.all(name):
            found += reversed(_MESSAGE_ID.findall(value))
    return list(dict.fromkeys(found))[:_MAX_IDS]


def _tagged(message: Incoming) -> int | None:
    for headers in (message.headers, message.original):
        for name in _WRITTEN_TO:
            for value in headers.all(name):
                if (email_id := read_tag(value)) is not None:
                    return email_id
    return None


def _normalised(addresses: list[str]) -> list[str]:
    found = []
    for address in addresses[:_MAX_IDS]:
        try:
            found.append(normalise_address(address))
        except InvalidInput:
            continue
    return found
