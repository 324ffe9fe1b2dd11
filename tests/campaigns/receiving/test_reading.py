"""A mailbox is read to its end: nothing twice, nothing lost, nothing changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from campaigns.incoming.mime import MAX_BYTES
from campaigns.models import Conversation, Email, IncomingMessage, MailboxFolder
from campaigns.receiving import acting, reading
from campaigns.receiving.imap import MailboxTrouble
from campaigns.receiving.reading import read_mailbox, request_reading
from fliptech_site.errors import InvalidInput, TransientError
from tasks.models import Task
from tests.campaigns.imap_server import DROP, REFUSE, Hold
from tests.campaigns.incoming.letters import letter

pytestmark = pytest.mark.django_db


def note(number):
    return letter(f"Message {number}", message_id=f"<n{number}@x.example>")


def uids():
    return sorted(IncomingMessage.objects.values_list("uid", flat=True))


def test_an_answer_stops_the_sequence(imap, make_mailbox, make_sent, answer_to):
    email = make_sent()
    follow_up = Email.objects.create(
        campaign=email.campaign, recipient=email.recipient, lead=email.lead, step=2,
        account=email.account, template=email.template, address=email.address,
    )  # fmt: skip
    imap.inbox.add(answer_to(email))

    counts = read_mailbox(make_mailbox(imap.port, account=email.account).pk)

    email.refresh_from_db()
    follow_up.refresh_from_db()
    message = IncomingMessage.objects.get()
    assert (counts["stored"], counts["acted"]) == (1, 1)
    assert (follow_up.state, follow_up.reason) == ("skipped", "replied")
    assert email.replied_at == message.received_at
    assert (message.kind, message.matched_by) == ("reply", "references")
    assert message.text == "Yes, tell me more."
    assert message.conversation.needs_answer
    assert message.conversation.is_unread


def test_reading_goes_on_where_it_ended(imap, make_mailbox):
    mailbox = make_mailbox(imap.port)
    for number in range(3):
        imap.inbox.add(note(number))

    assert read_mailbox(mailbox.pk)["stored"] == 3
    assert read_mailbox(mailbox.pk)["stored"] == 0
    imap.inbox.add(note(3))
    imap.commands.clear()
    assert read_mailbox(mailbox.pk)["stored"] == 1
    assert sum("FETCH" in command for command in imap.commands) == 1
    assert uids() == [1, 2, 3, 4]


def test_nothing_in_the_mailbox_is_changed(imap, make_mailbox):
    imap.inbox.add(note(1))

    read_mailbox(make_mailbox(imap.port).pk)

    words = {command.split()[1] for command in imap.commands}
    assert words <= {"CAPABILITY", "LOGIN", "EXAMINE", "UID", "LOGOUT"}
    fetches = [command for command in imap.commands if "FETCH" in command]
    assert all("BODY.PEEK[]" in command for command in fetches)


def test_a_broken_connection_loses_nothing_and_repeats_nothing(imap, make_mailbox):
    mailbox = make_mailbox(imap.port)
    for number in range(4):
        imap.inbox.add(note(number))
    imap.at[3] = DROP

    with pytest.raises(TransientError, match="broke"):
        read_mailbox(mailbox.pk)
    assert uids() == [1, 2]
    mailbox.refresh_from_db()
    assert "broke" in mailbox.trouble

    imap.at.clear()
    assert read_mailbox(mailbox.pk)["stored"] == 2
    mailbox.refresh_from_db()
    assert (uids(), mailbox.trouble) == ([1, 2, 3, 4], "")


def test_a_message_that_breaks_every_connection_is_left_out(imap, make_mailbox):
    mailbox = make_mailbox(imap.port)
    for number in range(2):
        imap.inbox.add(note(number))
    imap.at[1] = DROP

    for _ in range(3):
        with pytest.raises(TransientError):
            read_mailbox(mailbox.pk)
    counts = read_mailbox(mailbox.pk)

    assert (counts["stored"], counts["left_out"]) == (1, 1)
    assert "left out" in IncomingMessage.objects.get(uid=1).trouble


def test_a_message_that_the_server_refuses_stops_no_other(imap, make_mailbox):
    for number in range(3):
        imap.inbox.add(note(number))
    imap.at[2] = REFUSE

    counts = read_mailbox(make_mailbox(imap.port).pk)

    assert (counts["stored"], counts["left_out"]) == (2, 1)
    assert "it is damaged" in IncomingMessage.objects.get(uid=2).trouble


def test_new_uids_of_a_folder_made_anew_repeat_nothing(
    imap, make_mailbox, make_sent, answer_to
):
    email = make_sent()
    mailbox = make_mailbox(imap.port, account=email.account)
    gone = imap.inbox.add(note(1))
    imap.inbox.add(answer_to(email))
    read_mailbox(mailbox.pk)

    del imap.inbox.messages[gone]
    imap.inbox.made_anew()
    imap.inbox.add(note(2))
    counts = read_mailbox(mailbox.pk)

    assert (counts["stored"], counts["acted"]) == (1, 1)
    assert IncomingMessage.objects.count() == 3
    folder = MailboxFolder.objects.get()
    assert (folder.uidvalidity, folder.last_uid) == (2, 2)


def test_one_message_in_two_folders_is_one(imap, make_mailbox):
    imap.folders["All"] = type(imap.inbox)()
    for folder in ("INBOX", "All"):
        imap.folders[folder].add(note(1))

    counts = read_mailbox(make_mailbox(imap.port, folders="INBOX, All,").pk)

    assert counts["stored"] == 1


def test_a_message_that_vanishes_while_we_read_is_no_trouble(
    imap, make_mailbox, monkeypatch
):
    imap.inbox.add(note(1))
    imap.inbox.add(note(2))
    fetch = reading.Session.fetch

    def expunging(session, uid):
        imap.inbox.messages.pop(1, None)
        return fetch(session, uid)

    monkeypatch.setattr(reading.Session, "fetch", expunging)

    assert read_mailbox(make_mailbox(imap.port).pk)["stored"] == 1


def test_a_crash_between_storing_and_acting_is_made_good(
    imap, make_mailbox, make_sent, answer_to, monkeypatch
):
    email = make_sent()
    mailbox = make_mailbox(imap.port, account=email.account)
    imap.inbox.add(answer_to(email))
    with monkeypatch.context() as patch:
        patch.setattr(reading, "act", lambda pk: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            read_mailbox(mailbox.pk)
    assert not IncomingMessage.objects.get().kind

    counts = read_mailbox(mailbox.pk)

    email.refresh_from_db()
    assert (counts["stored"], counts["acted"]) == (0, 1)
    assert email.replied_at is not None


def test_one_bad_message_never_stops_the_others(
    imap, make_mailbox, make_sent, answer_to, monkeypatch
):
    email = make_sent()
    mailbox = make_mailbox(imap.port, account=email.account)
    imap.inbox.add(letter("poison"))
    imap.inbox.add(answer_to(email))
    read_incoming = acting.read_incoming

    def failing(raw):
        if b"poison" in raw:
            raise RecursionError("too deep")
        return read_incoming(raw)

    monkeypatch.setattr(acting, "read_incoming", failing)
    for _ in range(acting.MAX_ATTEMPTS + 1):
        read_mailbox(mailbox.pk)

    bad = IncomingMessage.objects.get(uid=1)
    assert IncomingMessage.objects.get(uid=2).kind == "reply"
    assert "RecursionError: too deep" in bad.trouble
    assert (bad.kind, bad.attempts) == ("other", acting.MAX_ATTEMPTS)


def test_a_huge_message_is_cut(imap, make_mailbox):
    imap.inbox.add(letter("x" * (MAX_BYTES + 10)))

    read_mailbox(make_mailbox(imap.port, keeps_strangers=True).pk)

    message = IncomingMessage.objects.get()
    assert message.is_cut
    assert len(message.raw) == MAX_BYTES


def test_old_mail_is_left_alone(imap, make_mailbox):
    imap.inbox.add(note(1), timezone.now() - timedelta(days=90))
    imap.inbox.add(note(2))

    assert read_mailbox(make_mailbox(imap.port).pk)["stored"] == 1


def test_a_run_takes_a_part_and_the_next_one_the_rest(imap, make_mailbox, monkeypatch):
    monkeypatch.setattr(reading, "MAX_MESSAGES", 2)
    mailbox = make_mailbox(imap.port)
    for number in range(3):
        imap.inbox.add(note(number))

    assert [read_mailbox(mailbox.pk)["stored"] for _ in range(3)] == [2, 1, 0]


def test_a_wrong_password_is_the_mailboxes_trouble(imap, make_mailbox):
    imap.password = "other"
    mailbox = make_mailbox(imap.port)

    with pytest.raises(MailboxTrouble, match="refused the log-in of ada .*wrong"):
        read_mailbox(mailbox.pk)
    mailbox.refresh_from_db()
    assert "correct the mailbox's user name" in mailbox.trouble


def test_an_account_with_oauth2_logs_in_with_its_token(imap, make_mailbox):
    mailbox = make_mailbox(imap.port, login="oauth2")
    account = mailbox.account
    account.oauth_access_token = "tok-1"
    account.oauth_expires_at = timezone.now() + timedelta(hours=1)
    account.save()
    imap.inbox.add(note(1))

    assert read_mailbox(mailbox.pk)["stored"] == 1
    assert not any("LOGIN" in command for command in imap.commands)

    imap.token = "another"
    with pytest.raises(MailboxTrouble, match="refused the log-in"):
        read_mailbox(mailbox.pk)


def test_a_folder_that_is_not_there_is_told_with_those_that_are(imap, make_mailbox):
    mailbox = make_mailbox(imap.port, folders="INBOX, Spam")

    with pytest.raises(MailboxTrouble, match="'Spam'.*it has INBOX, Gesendet"):
        read_mailbox(mailbox.pk)


def test_a_server_that_is_away_is_asked_again_later(make_mailbox):
    with pytest.raises(TransientError, match="Nothing listens at"):
        read_mailbox(make_mailbox(port=1).pk)


def test_a_server_without_starttls_gets_no_password(imap, make_mailbox):
    with pytest.raises(MailboxTrouble, match="no STARTTLS"):
        read_mailbox(make_mailbox(imap.port, security="starttls").pk)

    assert not any("LOGIN" in command for command in imap.commands)


def test_an_unknown_mailbox_is_said_so():
    with pytest.raises(InvalidInput, match="no mailbox 4711"):
        read_mailbox(4711)


def test_each_mailbox_that_is_on_gets_one_task(make_mailbox):
    on = make_mailbox()
    make_mailbox(is_enabled=False)

    request_reading()
    request_reading()

    (task,) = Task.objects.filter(actor="read_mailbox")
    assert task.kwargs == {"mailbox_id": on.pk}


def test_commands_read_and_check(imap, make_mailbox, capsys):
    make_mailbox(imap.port, name="main")
    imap.inbox.add(note(1))

    call_command("mailbox", "check", "main")
    assert "INBOX: 1 messages since" in capsys.readouterr().out
    assert not IncomingMessage.objects.exists()
    call_command("mailbox", "read", "main")
    assert "main: 1 new, 1 acted on, 0 left out." in capsys.readouterr().out
    with pytest.raises(CommandError, match="no mailbox 'other'; there are: main"):
        call_command("mailbox", "read", "other")


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_is_killed_repeats_nothing_and_loses_nothing(
    imap, make_mailbox, make_sent, answer_to, start_process
):
    email = make_sent()
    mailbox = make_mailbox(imap.port, account=email.account, name="killed")
    imap.inbox.add(answer_to(email, "One"))
    imap.inbox.add(note(1))
    imap.inbox.add(answer_to(email, "Two"))
    imap.at[3] = hold = Hold()

    process = start_process("mailbox", "read", "killed")
    assert hold.reached.wait(60)
    process.kill()
    process.wait()
    hold.released.set()
    imap.at.clear()

    assert uids() == [1, 2]
    counts = read_mailbox(mailbox.pk)
    assert (counts["stored"], counts["acted"]) == (1, 1)
    conversation = Conversation.objects.get()
    texts = conversation.messages.order_by("uid").values_list("text", flat=True)
    assert list(texts) == ["One", "Two"]
