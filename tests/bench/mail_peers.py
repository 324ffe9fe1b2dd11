"""django-post_office and django-mailer: write mails into a table, then send them.

The mails are those of ours: our code fills them in, makes their text and their tracked
links; the peers keep them and build and send the messages. Each part is timed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import django
from django.core.management import call_command

django.setup()

from django.core.mail import EmailMultiAlternatives  # noqa: E402 - Django comes first
from mailer.engine import send_all  # noqa: E402
from mailer.models import Message, MessageLog  # noqa: E402
from post_office import mail  # noqa: E402
from post_office.models import Email as OfficeEmail  # noqa: E402
from post_office.models import Log  # noqa: E402

from campaigns.composing import letter_of  # noqa: E402
from campaigns.demo_links import demo_urls  # noqa: E402
from campaigns.messages import Letter  # noqa: E402
from campaigns.models import Email  # noqa: E402
from tests.bench.mail_rows import (  # noqa: E402
    forget_everything,
    make_account,
    make_campaign,
    make_emails,
    make_leads,
)

#: As many are queued at a time as go in one batch.
_CHUNK = int(os.environ["BENCH_TOGETHER"])


class Driver:
    """Both peers; each call says how long queueing and sending took."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)

    def post_office(self, count: int, processes: int = 0) -> dict[str, float]:
        """Queue each mail by itself, as its documentation begins with, then send.

        With `processes` a batch is queued at a time, and so many processes send them.
        """
        Log.objects.all().delete()
        OfficeEmail.objects.all().delete()
        emails = _emails(count)
        began = time.perf_counter()
        letters = map(_as_arguments, _letters(emails))
        if processes:
            while chunk := list(islice(letters, _CHUNK)):
                mail.send_many(chunk)
        else:
            for arguments in letters:
                mail.send(**arguments)
        queued = time.perf_counter()
        mail.send_queued_mail_until_done(processes=processes or 1)
        ended = time.perf_counter()
        assert OfficeEmail.objects.filter(status=0).count() == count
        return {"queueing": queued - began, "sending": ended - queued}

    def mailer(self, count: int) -> dict[str, float]:
        """Queue one after the other, as it has no other way, then send."""
        Message.objects.all().delete()
        MessageLog.objects.all().delete()
        emails = _emails(count)
        began = time.perf_counter()
        for letter in _letters(emails):
            message = EmailMultiAlternatives(
                letter.subject,
                letter.text,
                _sender(letter),
                [letter.to_address],
                headers=_headers(letter),
            )
            message.attach_alternative(letter.html, "text/html")
            queued_row = Message(priority=2)
            queued_row.email = message
            queued_row.save()
        queued = time.perf_counter()
        send_all()
        ended = time.perf_counter()
        assert MessageLog.objects.count() == count
        return {"queueing": queued - began, "sending": ended - queued}


def _emails(count: int) -> list[Email]:
    forget_everything()
    make_leads(count)
    make_emails(make_campaign(make_account(25)), count)
    emails = list(
        Email.objects.select_related(
            "account", "campaign", "lead", "recipient", "template"
        )
    )
    for number, email in enumerate(emails):
        email.message_id = f"<{number}@bench.example>"
    # What is read and parsed once is not measured.
    next(_letters(emails[:1]))
    return emails


def _letters(emails: list[Email]) -> Iterator[Letter]:
    demos = demo_urls([email.lead_id for email in emails if email.lead_id])
    for email in emails:
        assert email.template is not None
        yield letter_of(email, email.template, demos)


def _as_arguments(letter: Letter) -> dict[str, Any]:
    return {
        "recipients": [letter.to_address],
        "sender": _sender(letter),
        "subject": letter.subject,
        "message": letter.text,
        "html_message": letter.html,
        "headers": _headers(letter),
    }


def _sender(letter: Letter) -> str:
    return f"{letter.from_name} <{letter.from_address}>"


def _headers(letter: Letter) -> dict[str, str]:
    return {
        "Message-ID": letter.message_id,
        "List-Unsubscribe": f"<{letter.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
