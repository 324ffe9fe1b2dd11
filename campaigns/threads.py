"""Which mails a follow-up answers, so that a mail program shows them as one thread."""

from __future__ import annotations

import re
from typing import NamedTuple

from campaigns.models import Email, Step
from campaigns.states import ARRIVED

#: "Re:" in the spellings of other languages and of counting programs.
_ANSWER = re.compile(r"^\s*(?:re|aw|sv|antw|rv|ref)(?:\[\d+\])?\s*:\s*", re.IGNORECASE)


class Thread(NamedTuple):
    """The mails that a follow-up answers, the oldest first."""

    subject: str
    message_ids: list[str]


def answer_to(subject: str) -> str:
    """Give the subject of an answer; one "Re:" is enough."""
    return f"Re: {_ANSWER.sub('', subject)}"


def thread_of(email: Email) -> Thread | None:
    """Give what a mail answers; None for one that begins a thread.

    A mail in doubt counts: if it arrived, the thread holds together; if not, a
    reference to an unknown mail does no harm.
    """
    if email.step == 1 or email.recipient_id is None:
        return None
    in_thread = dict(
        Step.objects.filter(campaign=email.campaign_id).values_list(
            "number", "in_thread"
        )
    )
    if not in_thread.get(email.step, False):
        return None
    before = Email.objects.filter(
        recipient=email.recipient_id, step__lt=email.step, state__in=ARRIVED
    )
    subject = ""
    message_ids: list[str] = []
    for earlier in before.order_by("step"):
        if not message_ids or not in_thread.get(earlier.step, False):
            subject, message_ids = earlier.subject, []
        assert earlier.message_id is not None
        message_ids.append(earlier.message_id)
    return Thread(subject, message_ids) if message_ids else None
