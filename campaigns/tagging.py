"""Addresses that name the mail they belong to: name+r12.signature@example.com.

Answers come back to them whatever program wrote them, and nobody can make one up.
"""

from __future__ import annotations

import re

from django.utils.crypto import constant_time_compare, salted_hmac

from campaigns.models import Email

#: 60 bits: a guess takes a mail per try, and wins a wrong line in a thread.
_SIGNATURE_CHARS = 15
#: RFC 5321, section 4.5.3.1.1.
_MAX_LOCAL = 64
_TAG = re.compile(r"\+r(\d{1,18})\.([0-9a-f]{15})@", re.IGNORECASE)


def answers_to(email: Email) -> str:
    """Give the Reply-To of a mail, blank where answers go to its sender anyway."""
    account = email.account
    if not account.tags_replies or email.kind == Email.Kind.TEST:
        return account.reply_to
    return tagged_address(account.reply_to or account.from_address, email.pk)


def tagged_address(address: str, email_id: int) -> str:
    """Give the address under which answers to this mail come in.

    The address as it is where the tag would make it too long or it has one already.
    """
    local, _, domain = address.rpartition("@")
    tagged = f"{local}+r{email_id}.{_signature(email_id)}"
    if "+" in local or len(tagged) > _MAX_LOCAL:
        return address
    return f"{tagged}@{domain}"


def read_tag(text: str) -> int | None:
    """Give the mail of the first tagged address in a text; None for a made-up one."""
    for found in _TAG.finditer(text[:4_000]):
        email_id = int(found[1])
        if constant_time_compare(found[2].lower(), _signature(email_id)):
            return email_id
    return None


def _signature(email_id: int) -> str:
    made = salted_hmac("campaigns.reply_tag", str(email_id), algorithm="sha256")
    return made.hexdigest()[:_SIGNATURE_CHARS]
