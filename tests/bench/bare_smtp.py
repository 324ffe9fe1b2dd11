"""The loop that keeps no records: the same messages, rendered, built and sent by smtplib."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Mapping, Sequence

import django

django.setup()

from campaigns.composing import compose  # noqa: E402 - Django comes first
from campaigns.demo_links import demo_urls  # noqa: E402
from campaigns.models import Email  # noqa: E402
from tests.bench.mail_rows import (  # noqa: E402
    forget_everything,
    make_account,
    make_campaign,
    make_emails,
    make_leads,
)


class Driver:
    """As many threads as connections, each with its share of the mails in memory."""

    def send(self, count: int, port: int, threads: int) -> float:
        """Render, build and send; returns seconds. Nothing is read or written."""
        forget_everything()
        make_leads(count)
        make_emails(make_campaign(make_account(port)), count)
        emails = list(
            Email.objects.select_related(
                "account", "campaign", "lead", "recipient", "template"
            )
        )
        known = demo_urls([email.lead_id for email in emails if email.lead_id])
        for number, email in enumerate(emails):
            email.message_id = f"<{number}@bench.example>"
        # What is read and parsed once is not measured.
        compose(emails[0], known)
        shares = [emails[start::threads] for start in range(threads)]
        workers = [
            threading.Thread(target=_send_share, args=(share, known, port))
            for share in shares
        ]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return time.perf_counter() - began


def _send_share(emails: Sequence[Email], demos: Mapping[int, str], port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        for email in emails:
            _, content = compose(email, demos)
            client.sendmail(email.account.from_address, [email.address], content)
