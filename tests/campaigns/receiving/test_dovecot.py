"""The same against a real IMAP server, where there is one: Debian's dovecot-imapd."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from campaigns.models import Email, IncomingMessage, MailboxFolder
from campaigns.receiving.imap import MailboxTrouble
from campaigns.receiving.reading import check_mailbox, read_mailbox
from campaigns.receiving.settling import settle_doubtful
from tests.campaigns.incoming.letters import letter
from tests.campaigns.receiving.dovecot import PROGRAM, Dovecot

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(PROGRAM is None, reason="apt-get install dovecot-imapd"),
]


@pytest.fixture
def dovecot():
    # Not pytest's folder: it is root's alone, and another run closes it again.
    with (
        TemporaryDirectory(prefix="fliptech-dovecot-") as folder,
        Dovecot(Path(folder) / "dovecot") as running,
    ):
        yield running


def note(number):
    return letter(f"Message {number}", message_id=f"<n{number}@x.example>")


def test_a_real_server_is_read_to_its_end_and_left_as_it_was(
    dovecot, make_mailbox, make_sent, answer_to
):
    email, doubtful = make_sent(), make_sent(state="in_doubt")
    mailbox = make_mailbox(dovecot.port, account=email.account)
    Email.objects.filter(pk=doubtful.pk).update(account=email.account)
    dovecot.add(answer_to(email))
    dovecot.add(note(1))
    dovecot.add(f"Message-ID: {doubtful.message_id}\r\n\r\nx".encode(), "Gesendet")

    assert check_mailbox(mailbox) == {"INBOX": 2}
    first, second = read_mailbox(mailbox.pk), read_mailbox(mailbox.pk)
    assert settle_doubtful()["settled"] == 1

    email.refresh_from_db()
    assert (first["stored"], second["stored"]) == (2, 0)
    assert email.replied_at is not None
    with dovecot.client() as client:
        client.select_folder("INBOX", readonly=True)
        assert client.search("UNSEEN") == [1, 2]
        assert client.search("RECENT") is not None

    # Expunged mail is no trouble, and what comes after it is read.
    with dovecot.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1, 2])
        client.expunge()
    dovecot.add(note(2))
    assert read_mailbox(mailbox.pk)["stored"] == 1

    # A folder made anew has other UIDs; what is known is not taken twice.
    with dovecot.client() as client:
        client.create_folder("Answers")
        client.append("Answers", note(1))
    mailbox.folders = "INBOX,Answers"
    mailbox.save()
    assert read_mailbox(mailbox.pk)["stored"] == 0
    before = MailboxFolder.objects.get(name="Answers").uidvalidity
    with dovecot.client() as client:
        client.delete_folder("Answers")
        client.create_folder("Answers")
        client.append("Answers", note(1))
        client.append("Answers", note(3))
    assert read_mailbox(mailbox.pk)["stored"] == 1
    assert MailboxFolder.objects.get(name="Answers").uidvalidity != before
    assert IncomingMessage.objects.count() == 4

    with pytest.raises(MailboxTrouble, match="'Spam'.*it has"):
        mailbox.folders = "Spam"
        mailbox.save()
        read_mailbox(mailbox.pk)
