"""Kept connections: fewer of them, and never a mail lost or doubled for their sake."""

from __future__ import annotations

import ssl
import threading

import pytest

from campaigns import connections as keeping
from campaigns.connections import connections
from campaigns.fates import Envelope, Fate
from campaigns.smtp import Server, deliver
from tests.campaigns.mail_server import DROP, MailServer, Moody, server_tls
from tests.campaigns.test_smtp import certificate  # noqa: F401 - a fixture

MAIL = Envelope("ada@a.example", "bo@b.example", b"Subject: x\r\n\r\nhello\r\n")
PIPELINING = pytest.mark.parametrize("offers", [[], ["PIPELINING"]])


@pytest.fixture(autouse=True)
def _none_left():
    yield
    connections.close_all()


def send(server, *, mail=MAIL, before_data=lambda: None, keep=50, **options):
    return deliver(
        Server("127.0.0.1", server.port, mails_per_connection=keep, **options),
        mail,
        before_data=before_data,
    )


@PIPELINING
def test_mails_share_a_connection_and_begin_afresh_on_it(offers):
    with MailServer(offers=offers) as server:
        fates = [send(server).fate for _ in range(3)]

    assert fates == [Fate.ACCEPTED] * 3
    assert server.sessions == 1
    assert len(server.mails) == 3
    assert server.commands.count("RSET") == 0
    assert server.commands.count("EHLO [127.0.0.1]") == 1


def test_a_connection_is_made_anew_after_as_many_mails_as_the_account_says():
    with MailServer() as server:
        for _ in range(5):
            send(server, keep=2)

    assert server.sessions == 3
    assert server.commands.count("QUIT") == 2
    assert len(server.mails) == 5


def test_accounts_do_not_share_connections():
    with MailServer() as server:
        send(server, account_id=1)
        send(server, account_id=2)

    assert server.sessions == 2


def test_a_new_password_is_used_at_once():
    with MailServer(offers=["AUTH PLAIN"]) as server:
        send(server, username="ada", password="old")
        send(server, username="ada", password="new")

    assert server.sessions == 2


def test_threads_do_not_wait_for_each_others_connection():
    meeting = threading.Barrier(2, timeout=10)
    with MailServer(on={"MAIL": meeting.wait}) as server:
        threads = [threading.Thread(target=send, args=(server,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(server.mails) == server.sessions == 2


@PIPELINING
def test_after_a_mail_that_was_not_taken_the_server_is_told_to_forget_it(offers):
    with MailServer({"dot": "452 4.3.1 full"}, offers=offers) as server:
        send(server)
        server.script.clear()
        fates = [send(server).fate for _ in range(2)]

    assert fates == [Fate.ACCEPTED] * 2
    assert server.commands.count("RSET") == 1
    assert server.sessions == 1


@PIPELINING
def test_a_connection_that_the_server_closed_is_replaced_before_anything_is_sent(
    offers,
):
    with MailServer(mails_per_session=1, offers=offers) as server:
        fates = []
        for _ in range(3):
            server.session_ended.clear()
            fates.append(send(server).fate)
            assert server.session_ended.wait(10)

    assert fates == [Fate.ACCEPTED] * 3
    assert server.sessions == len(server.mails) == 3
    # Nobody even spoke on the connections that were closed.
    assert sum(line.startswith("MAIL") for line in server.commands) == 3


@PIPELINING
@pytest.mark.parametrize("word", ["RSET", "MAIL", "RCPT"])
@pytest.mark.parametrize("answer", [DROP, "421 4.7.0 too many on one connection"])
def test_a_kept_connection_that_fails_before_data_is_replaced(word, answer, offers):
    second = {word: answer}
    # The server is told to forget only what it didn't take.
    first = {"dot": "452 4.3.1 full"} if word == "RSET" else {}
    server = Moody(second, script=first, offers=offers)
    with server:
        send(server)
        server.script.clear()
        server.is_second = True
        begun = []

        def heal():
            begun.append(True)

        server.on["greeting"] = lambda: second.clear()
        outcome = send(server, before_data=heal)

    assert outcome.fate is Fate.ACCEPTED
    assert begun == [True]
    assert server.sessions == 2
    assert len(server.mails) == (1 if first else 2)


@pytest.mark.parametrize("word", ["MAIL", "RCPT"])
def test_a_new_connection_that_fails_is_not_replaced(word):
    with MailServer({word: DROP}) as server:
        outcome = send(server)

    assert outcome.fate is Fate.TRY_LATER
    assert server.sessions == 1


@pytest.mark.parametrize("step", ["DATA", "body", "dot"])
def test_a_kept_connection_that_fails_from_data_on_leaves_the_mail_in_doubt(step):
    with MailServer() as server:
        send(server)
        server.script[step] = DROP
        outcome = send(server)
        server.script.clear()
        after = send(server)

    assert outcome.fate is Fate.IN_DOUBT
    assert after.fate is Fate.ACCEPTED
    assert server.sessions == 2


@PIPELINING
@pytest.mark.parametrize(
    ("step", "answer", "fate"),
    [
        ("RCPT", "550 5.1.1 no such user", Fate.REFUSED),
        ("RCPT", "451 4.7.1 greylisted", Fate.TRY_LATER),
        ("MAIL", "550 5.7.1 who are you", Fate.ACCOUNT_TROUBLE),
        ("DATA", "554 5.6.0 no", Fate.REFUSED),
        ("dot", "452 4.3.1 full", Fate.TRY_LATER),
    ],
)
def test_after_a_refusal_the_connection_serves_the_next_mail(
    step, answer, fate, offers
):
    with MailServer(offers=offers) as server:
        send(server)
        server.script[step] = answer
        refused = send(server)
        server.script.clear()
        after = send(server)

    assert refused.fate is fate
    assert after.fate is Fate.ACCEPTED
    assert server.sessions == 1
    assert len(server.mails) == 2


def test_what_the_commit_before_data_raises_ends_the_connection_too():
    """The server has an open transaction, and nobody knows how far it came."""

    def refuse():
        raise ZeroDivisionError

    with MailServer() as server:
        with pytest.raises(ZeroDivisionError):
            send(server, before_data=refuse)
        send(server)

    assert server.sessions == 2
    assert len(server.mails) == 1


def test_a_kept_connection_is_still_encrypted(certificate):  # noqa: F811
    trust = ssl.create_default_context(cafile=str(certificate))
    with MailServer(tls=server_tls(certificate), offers=["STARTTLS"]) as server:
        kept = Server(
            "localhost",
            server.port,
            security="starttls",
            tls=trust,
            mails_per_connection=50,
        )
        fates = [deliver(kept, MAIL, before_data=lambda: None).fate for _ in range(2)]

    assert fates == [Fate.ACCEPTED] * 2
    assert server.sessions == 1
    assert server.commands.count("STARTTLS") == 1


def test_unused_connections_are_closed_with_a_goodbye(monkeypatch):
    monkeypatch.setattr(keeping, "IDLE_SECONDS", 0.05)
    with MailServer() as server:
        send(server)
        assert server.session_ended.wait(10)

    assert server.commands[-1] == "QUIT"


def test_an_old_connection_is_not_used_again(monkeypatch):
    with MailServer() as server:
        send(server)
        monkeypatch.setattr(keeping, "MAX_AGE_SECONDS", -1.0)
        send(server)

    assert server.sessions == 2


def test_an_address_that_smtp_can_not_say_is_refused_for_good():
    with MailServer() as server:
        outcome = send(server, mail=MAIL._replace(recipient="jürgen@b.example"))

    assert outcome.fate is Fate.REFUSED
    assert "SMTPUTF8" in outcome.detail


@PIPELINING
def test_an_address_can_not_smuggle_a_command(offers):
    with MailServer(offers=offers) as server:
        outcome = send(
            server,
            mail=MAIL._replace(recipient="bo@b.example>\r\nRCPT TO:<x@y.example"),
        )

    assert outcome.fate in (Fate.ACCEPTED, Fate.TRY_LATER)
    assert not any("x@y.example" in line for line in server.commands)
