"""Mails that were committed together: their DATA goes with the addresses, in one go."""

from __future__ import annotations

import socket
import threading

import pytest

from campaigns.connections import connections
from campaigns.fates import Envelope, Fate
from campaigns.smtp import Server, deliver
from tests.campaigns.mail_server import DROP, MailServer, Moody

MAIL = Envelope("ada@a.example", "bo@b.example", b"Subject: x\r\n\r\nhello\r\n")
PIPELINING = pytest.mark.parametrize("offers", [[], ["PIPELINING"]])


@pytest.fixture(autouse=True)
def _none_left():
    yield
    connections.close_all()


def committed(server, **options):
    """Send a mail of several that were committed together: nothing waits for DATA."""
    return deliver(
        Server("127.0.0.1", server.port, mails_per_connection=50, **options),
        MAIL,
        before_data=None,
    )


@PIPELINING
def test_a_mail_that_was_committed_before_arrives_as_any_other(offers):
    with MailServer(offers=offers) as server:
        fates = [committed(server).fate for _ in range(3)]

    assert fates == [Fate.ACCEPTED] * 3
    assert server.sessions == 1
    assert [content for _, content in server.mails] == [MAIL.content] * 3


def test_its_data_goes_with_the_addresses_and_its_content_does_not():
    said = []

    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 x\r\n")
            connection.recv(1000)
            connection.sendall(b"250-x\r\n250 PIPELINING\r\n")
            heard = b""
            while not heard.endswith(b"DATA\r\n"):
                heard += connection.recv(1000)
            said.append(heard)
            connection.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
            while not heard.endswith(b"\r\n.\r\n"):
                heard += connection.recv(1000)
            connection.sendall(b"250 taken\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        server = Server("127.0.0.1", listener.getsockname()[1], mails_per_connection=9)
        outcome = deliver(server, MAIL, before_data=None)
        connections.close_all()
        thread.join()

    assert outcome.fate is Fate.ACCEPTED
    assert said == [b"MAIL FROM:<ada@a.example>\r\nRCPT TO:<bo@b.example>\r\nDATA\r\n"]


@pytest.mark.parametrize("answer", [DROP, "421 4.7.0 too many on one connection"])
@pytest.mark.parametrize("word", ["MAIL", "RCPT", "DATA"])
def test_without_its_content_nothing_is_in_doubt(word, answer):
    second = {word: answer}
    server = Moody(second, offers=["PIPELINING"])
    with server:
        committed(server)
        server.is_second = True
        server.on["greeting"] = lambda: second.clear()
        outcome = committed(server)

    assert outcome.fate is Fate.ACCEPTED
    assert server.sessions == len(server.mails) == 2

    with MailServer({word: answer}, offers=["PIPELINING"]) as server:
        assert committed(server).fate is Fate.TRY_LATER
        assert server.mails == []


@pytest.mark.parametrize("step", ["body", "dot"])
def test_from_the_content_on_it_is_in_doubt(step):
    with MailServer(offers=["PIPELINING"]) as server:
        committed(server)
        server.script[step] = DROP

        assert committed(server).fate is Fate.IN_DOUBT


@pytest.mark.parametrize(
    ("step", "answer", "fate"),
    [
        ("RCPT", "550 5.1.1 no such user", Fate.REFUSED),
        ("RCPT", "451 4.7.1 greylisted", Fate.TRY_LATER),
        ("MAIL", "550 5.7.1 who are you", Fate.ACCOUNT_TROUBLE),
        ("DATA", "554 5.6.0 no", Fate.REFUSED),
        ("DATA", "451 4.3.0 later", Fate.TRY_LATER),
    ],
)
@pytest.mark.parametrize("then", ["503 5.5.1 no valid recipients", "354 go"])
def test_a_refused_mail_has_no_content_and_harms_no_other(step, answer, fate, then):
    """Some servers wait for a content after they refused all recipients (RFC 2920)."""
    with MailServer(offers=["PIPELINING"]) as server:
        committed(server)
        server.script |= {"DATA": then, step: answer}
        refused = committed(server)
        server.script.clear()
        after = committed(server)

    assert refused.fate is fate
    assert after.fate is Fate.ACCEPTED
    assert len(server.mails) == 2
    assert server.sessions == (2 if then == "354 go" and step != "DATA" else 1)
