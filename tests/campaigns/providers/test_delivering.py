"""Each provider's protocol on a real local server, and every fate that an answer means."""

from __future__ import annotations

import base64
import socket
from email import message_from_bytes
from email.policy import default
from urllib.parse import unquote

import pytest

from campaigns.fates import Fate
from campaigns.providers.backends import Provider
from campaigns.providers.delivering import deliver, idempotency_key
from tests.campaigns.providers.handing_over import (
    KEY,
    MESSAGE_ID,
    SECRET,
    Commits,
    send,
)
from tests.campaigns.web_server import DROP

#: Kind -> an accepting answer, the id in it, the path, where the key is.
PROTOCOLS = {
    "brevo": ((201, {"messageId": "<1@brevo>"}), "<1@brevo>", "/smtp/email", "api-key"),
    "mailersend": (
        (202, b"", {"X-Message-Id": "ms1", "Content-Type": "text/html"}),
        "ms1", "/email", "authorization",
    ),
    "mailgun": (
        (200, {"id": "<1@mailgun>", "message": "Queued."}),
        "<1@mailgun>", "/brightside.example/messages", "authorization",
    ),
    "mailjet": (
        (200, {"Messages": [{"Status": "success", "To": [
            {"Email": "bo@b.example", "MessageID": 17, "MessageUUID": "u"}]}]}),
        "17", "/send", "authorization",
    ),
    "mailtrap": (
        (200, {"success": True, "message_ids": ["m1"]}), "m1", "/send", "api-token",
    ),
    "mandrill": (
        (200, [{"email": "bo@b.example", "status": "sent", "_id": "m2"}]),
        "m2", "/messages/send.json", None,
    ),
    "postal": (
        (200, {"status": "success", "data": {"messages": {"bo@b.example": {"id": 3}}}}),
        "3", "/api/v1/send/message", "x-server-api-key",
    ),
    "postmark": (
        (200, {"ErrorCode": 0, "Message": "OK", "MessageID": "p1",
               "SubmittedAt": "", "To": "bo@b.example"}),
        "p1", "/email", "x-postmark-server-token",
    ),
    "resend": ((200, {"id": "r1"}), "r1", "/emails", "authorization"),
    "scaleway": (
        (200, {"emails": [{"id": "s1", "message_id": "s1", "mail_rcpt": "bo@b.example",
                           "status": "new"}]}),
        "s1", "/emails", "x-auth-token",
    ),
    "sendgrid": (202, None, "/mail/send", "authorization"),
    "sparkpost": (
        (200, {"results": {"total_accepted_recipients": 1, "id": "sp1",
                           "total_rejected_recipients": 0}}),
        "sp1", "/transmissions/", "authorization",
    ),
    "unisender_go": (
        (200, {"status": "success", "job_id": "u1", "emails": ["bo@b.example"]}),
        None, "/email/send.json", "x-api-key",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_a_provider_gets_the_mail_and_the_accounts_key(kind, web, letter):
    answer, provider_id, path, header = PROTOCOLS[kind]
    web.answer = answer
    commits = Commits()

    outcome = send(web, letter, kind, before_data=commits)

    assert outcome.fate is Fate.ACCEPTED, outcome.detail
    if provider_id is not None:
        assert outcome.provider_id == provider_id
    (asked,) = web.asked
    assert asked.path.endswith(path)
    if header:
        carried = asked.headers[header]
        if carried.startswith("Basic "):
            carried = base64.b64decode(carried.removeprefix("Basic ")).decode()
        assert (SECRET if kind == "mailjet" else KEY) in carried
    body = unquote(asked.body.decode().replace("\\/", "/"))
    for part in ("bo@b.example", "ada@brightside.example", "List-Unsubscribe-Post"):
        assert part in body, part
    assert MESSAGE_ID.strip("<>") in body
    assert commits.count == 1


def test_amazon_gets_a_signed_request_with_the_whole_mail(web, letter):
    web.answer = (200, {"MessageId": "ses-1"})
    commits = Commits()

    outcome = send(
        web, letter, "amazon_ses", region="eu-central-1", before_data=commits
    )

    assert outcome == (Fate.ACCEPTED, "Amazon SES took it.", "ses-1")
    (asked,) = web.asked
    assert asked.path == "/v2/email/outbound-emails"
    assert f"Credential={KEY}/" in asked.headers["authorization"]
    assert "/eu-central-1/ses/aws4_request" in asked.headers["authorization"]
    raw = base64.b64decode(asked.json["Content"]["Raw"]["Data"])
    mail = message_from_bytes(raw, policy=default)
    assert mail["Message-ID"] == MESSAGE_ID
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Subject"] == "Grüße from Ada"
    assert commits.count == 1


@pytest.mark.parametrize("kind", ["brevo", "resend"])
@pytest.mark.parametrize("lost", [DROP, 500, 502])
def test_a_lost_answer_is_asked_for_again_with_the_same_key(kind, lost, web, letter):
    web.answer = [lost, PROTOCOLS[kind][0]]
    commits = Commits()

    outcome = send(web, letter, kind, before_data=commits)

    assert outcome.fate is Fate.ACCEPTED
    assert outcome.provider_id == PROTOCOLS[kind][1]
    first, second = web.asked
    assert first.body == second.body
    key = idempotency_key(MESSAGE_ID)
    if kind == "resend":
        assert [first.headers["idempotency-key"], second.headers["idempotency-key"]] == [
            key, key,
        ]  # fmt: skip
    else:
        assert first.json["headers"]["idempotencyKey"] == key
    assert commits.count == 1


@pytest.mark.parametrize("kind", ["brevo", "resend"])
@pytest.mark.parametrize("then", [DROP, 429, 503, 401])
def test_what_stays_unclear_is_in_doubt_with_a_key_too(kind, then, web, letter):
    web.answer = [DROP, then]
    assert send(web, letter, kind).fate is Fate.IN_DOUBT


def test_brevo_says_that_it_had_the_mail_whose_answer_was_lost(web, letter):
    web.answer = [DROP, (400, {"code": "duplicate_parameter", "message": "used"})]
    outcome = send(web, letter, "brevo")
    assert outcome.fate is Fate.ACCEPTED
    assert "asked again, it had the mail" in outcome.detail


def test_a_key_that_an_earlier_attempt_used_leaves_the_mail_in_doubt(web, letter):
    web.answer = (409, {"name": "invalid_idempotent_request", "message": "used"})
    assert send(web, letter, "resend").fate is Fate.IN_DOUBT


def test_resend_is_asked_again_while_it_still_works_on_the_first(web, letter):
    busy = (409, {"name": "concurrent_idempotent_requests", "message": "busy"})
    web.answer = [DROP, busy, PROTOCOLS["resend"][0]]
    assert send(web, letter, "resend").fate is Fate.ACCEPTED


@pytest.mark.parametrize("kind", ["postmark", "amazon_ses", "resend", "mailgun"])
def test_test_mode_opens_no_connection_to_another_machine(kind, letter, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("A connection was opened.")

    monkeypatch.setattr(socket, "create_connection", refuse)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.9", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)

    # With no address of its own: the provider's real one.
    outcome = deliver(Provider(kind, KEY, SECRET), letter, before_data=lambda: None)

    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "TEST_MODE is on" in outcome.detail


def test_no_key_is_sent_in_clear_to_another_machine(web, letter, monkeypatch):
    class Elsewhere(socket.socket):
        def getpeername(self):
            return ("203.0.113.9", 80)

    usual = socket.create_connection

    def connect(*args, **options):
        found = usual(*args, **options)
        return Elsewhere(fileno=found.detach())

    monkeypatch.setattr(socket, "create_connection", connect)
    outcome = send(web, letter)
    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "in clear" in outcome.detail
    assert web.asked == []


def test_a_private_address_is_refused_when_mail_goes_for_real(web, letter):
    outcome = send(web, letter, loopback_only=False)
    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "FETCH_ALLOWED_PRIVATE" in outcome.detail
    assert web.asked == []


def test_no_key_is_told_or_shown(web, letter):
    web.answer = (400, {"message": f"bad thing {KEY} and {SECRET}\x1b[2J"})
    outcome = send(web, letter, "postmark")
    assert KEY not in outcome.detail
    assert SECRET not in outcome.detail
    assert outcome.detail.isprintable()
    assert KEY not in repr(Provider("resend", KEY, SECRET))
    assert SECRET not in repr(Provider("resend", KEY, SECRET))


def test_a_provider_that_needs_an_address_says_so(letter):
    outcome = deliver(Provider("postal", KEY), letter, before_data=lambda: None)
    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "API address" in outcome.detail
