"""Which mails a follow-up answers, so that a mail program shows them as one thread."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    """Give what a mail answers; None for one that begins a thread."""
    return threads_of([email]).get(email.pk)


def threads_of(emails: Sequence[Email]) -> dict[int, Thread]:
    """Give by id what mails of one campaign answer; those that begin one are left out.

    A mail in doubt counts: if it arrived, the thread holds together; if not, a
    reference to an unknown mail does no harm. First mails ask nothing.
    """
    later = [each for each in emails if each.step > 1 and each.recipient_id is not None]
    if not later:
        return {}
    in_thread = dict(
        Step.objects.filter(campaign=later[0].campaign_id).values_list(
            "number", "in_thread"
        )
    )
    later = [each for each in later if in_thread.get(each.step, False)]
    if not later:
        return {}
    before: dict[int | None, list[Email]] = {}
    for earlier in Email.objects.filter(
        recipient__in=[each.recipient_id for each in later], state__in=ARRIVED
    ).order_by("step"):
        before.setdefault(earlier.recipient_id, []).append(earlier)
    threads = {
        each.pk: _thread(each, before.get(each.recipient_id, []), in_thread)
        for each in later
    }
    return {pk: thread for pk, thread in threads.items() if thread is not None}


def _thread(
    email: Email, before: Sequence[Email], in_thread: Mapping[int, bool]
) -> Thread | None:
    subject = ""
    message_ids: list[str] = []
    for earlier in before:
        if earlier.step >= email.step:
            break
        if not message_ids or not in_thread.get(earlier.step, False):
            subject, message_ids = earlier.subject, []
        assert earlier.message_id is not None
        message_ids.append(earlier.message_id)
    return Thread(subject, message_ids) if message_ids else None
