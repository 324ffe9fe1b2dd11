"""Two that read one mailbox at the same moment do each thing once."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from campaigns.models import Conversation, DeliveryEvent, IncomingMessage
from campaigns.receiving.reading import read_mailbox
from tests.campaigns.incoming.letters import report


@pytest.mark.django_db(transaction=True)
def test_two_readers_store_and_act_once(imap, make_mailbox, make_sent, answer_to):
    emails = [make_sent() for _ in range(6)]
    mailbox = make_mailbox(imap.port, account=emails[0].account)
    for number, email in enumerate(emails):
        imap.inbox.add(answer_to(email, f"Answer {number}"))
        imap.inbox.add(
            report(
                f"Final-Recipient: rfc822; {email.address}\nAction: failed\n"
                "Status: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full\n"
            )
        )
    start = threading.Barrier(2)
    counts = []

    def read():
        start.wait()
        try:
            counts.append(read_mailbox(mailbox.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(counts) == 2
    assert sum(each["acted"] for each in counts) == 12
    assert IncomingMessage.objects.filter(handled_at__isnull=False).count() == 12
    assert Conversation.objects.count() == 6
    assert DeliveryEvent.objects.filter(kind="soft").count() == 6
