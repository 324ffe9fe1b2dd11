"""The transport: TLS, log-in, addresses, and nothing that leaves this machine."""

from __future__ import annotations

import datetime
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from campaigns import conversing
from campaigns.fates import Envelope, Fate, Outcome
from campaigns.smtp import Server, deliver
from tests.campaigns.mail_server import DROP, MailServer, server_tls

MAIL = Envelope("ada@a.example", "bo@b.example", b"Subject: x\r\n\r\nhello\r\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost that its own context trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def send(server, *, host="127.0.0.1", mail=MAIL, before_data=lambda: None, **options):
    return deliver(Server(host, server.port, **options), mail, before_data=before_data)


def test_a_mail_goes_through_starttls_and_log_in(certificate):
    offers = ["STARTTLS", "AUTH PLAIN LOGIN"]
    with MailServer(tls=server_tls(certificate), offers=offers) as server:
        outcome = send(
            server,
            host="localhost",
            security="starttls",
            username="ada",
            password="secret",
            tls=ssl.create_default_context(cafile=str(certificate)),
        )

    assert outcome == Outcome(Fate.ACCEPTED, "250 kept")
    assert server.mails == [(MAIL.recipient, MAIL.content)]
    assert server.commands.index("STARTTLS") < next(
        at for at, line in enumerate(server.commands) if line.startswith("AUTH")
    )


def test_a_certificate_that_nobody_trusts_stops_everything(certificate):
    with MailServer(tls=server_tls(certificate), offers=["STARTTLS"]) as server:
        outcome = send(server, host="localhost", security="starttls")

    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "certificate" in outcome.detail
    assert not any(line.startswith("MAIL") for line in server.commands)


def test_starttls_that_is_not_offered_is_never_done_without():
    with MailServer() as server:
        outcome = send(server, security="starttls")

    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "offers no STARTTLS" in outcome.detail
    assert server.mails == []


def test_tls_from_the_first_byte_is_not_spoken_in_clear():
    with MailServer() as server:
        outcome = send(server, host="localhost", security="tls")

    assert outcome.fate is Fate.TRY_LATER
    assert server.mails == []


def test_a_password_is_not_sent_in_clear_over_a_network(monkeypatch):
    monkeypatch.setattr(conversing.Client, "is_private", False)
    with MailServer(offers=["AUTH PLAIN"]) as server:
        outcome = send(server, username="ada", password="secret")

    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "in clear" in outcome.detail
    assert not any(line.startswith("AUTH") for line in server.commands)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "mail.outside.test"])
def test_test_mode_opens_no_connection_to_another_machine(host, monkeypatch):
    usual = socket.getaddrinfo

    def resolve(name, *args, **options):
        name = {"mail.outside.test": "203.0.113.9"}.get(name, name)
        return usual(name, *args, **options)

    def refuse(*args, **options):
        raise AssertionError("A connection was opened.")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", refuse)

    outcome = deliver(Server(host, 25), MAIL, before_data=lambda: None)

    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "TEST_MODE is on" in outcome.detail


def test_test_mode_refuses_a_name_of_which_one_address_is_elsewhere(monkeypatch):
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 25))
        for ip in ("127.0.0.1", "203.0.113.9")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)

    outcome = deliver(Server("both.test", 25), MAIL, before_data=lambda: None)

    assert outcome.fate is Fate.ACCOUNT_TROUBLE


def test_a_name_that_nobody_knows_is_said_and_tried_again(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    outcome = deliver(Server("no.such.test", 25), MAIL, before_data=lambda: None)

    assert outcome.fate is Fate.TRY_LATER
    assert "check the account's host name" in outcome.detail


def test_names_under_localhost_need_no_name_server(server):
    assert send(server, host="mail.localhost").fate is Fate.ACCEPTED


def test_what_the_commit_before_data_raises_ends_the_attempt():
    def refuse():
        raise ZeroDivisionError

    with MailServer() as server:
        with pytest.raises(ZeroDivisionError):
            send(server, before_data=refuse)

    assert server.mails == []
    assert "DATA" not in server.commands


def test_the_commit_comes_after_rcpt_and_before_data(server):
    seen = []

    send(server, before_data=lambda: seen.append(list(server.commands)))

    ((commands),) = seen
    assert commands[-1].startswith("RCPT")
    assert "DATA" not in commands


def test_a_server_that_never_says_goodbye_harms_nothing():
    with MailServer({"QUIT": DROP}) as server:
        assert send(server).fate is Fate.ACCEPTED


def test_a_refused_sender_is_the_accounts_trouble():
    with MailServer({"MAIL": "550 5.7.1 who are you"}) as server:
        outcome = send(server)

    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "correct the account's from address" in outcome.detail


def test_a_reply_that_tries_to_steer_a_terminal_is_harmless():
    with MailServer({"RCPT": "550 \x1b[2Jno\x07 such user"}) as server:
        outcome = send(server)

    assert outcome.detail.isprintable()


def test_the_password_is_in_no_representation():
    assert "secret" not in repr(Server("h", 1, username="u", password="secret"))


@given(lines=st.lists(st.text(alphabet=".ab \t", max_size=20), max_size=10))
def test_whatever_dots_a_mail_holds_arrive_as_they_were(lines):
    content = "\r\n".join([*lines, ""]).encode() or b"\r\n"
    with MailServer() as server:
        outcome = send(server, mail=MAIL._replace(content=content))

    assert outcome.fate is Fate.ACCEPTED
    assert server.mails == [(MAIL.recipient, content)]
