"""What each answer of a provider, or its silence, means for the mail."""

from __future__ import annotations

import socket

import pytest

from campaigns.fates import Fate
from campaigns.providers.backends import Provider
from campaigns.providers.delivering import deliver
from tests.campaigns.providers.handing_over import KEY, SECRET, Commits, send
from tests.campaigns.web_server import DROP, STALL

#: Status and answer -> the fate, for a provider without idempotency keys.
FATES = [
    (401, {"Message": "No key"}, Fate.ACCOUNT_TROUBLE),
    (403, {}, Fate.ACCOUNT_TROUBLE),
    (402, {}, Fate.ACCOUNT_TROUBLE),
    (404, {"message": "Domain not found"}, Fate.ACCOUNT_TROUBLE),
    (302, {}, Fate.ACCOUNT_TROUBLE),
    (422, {"Message": "The 'From' address is not a Sender Signature"}, Fate.ACCOUNT_TROUBLE),
    (422, {"Message": "You tried to send to a recipient marked as inactive"}, Fate.REFUSED),
    (400, {"errors": [{"message": "Invalid `to` field"}]}, Fate.REFUSED),
    (413, {"message": "Too large"}, Fate.REFUSED),
    (400, {"message": "Daily quota reached"}, Fate.TRY_LATER),
    (429, {}, Fate.TRY_LATER),
    (503, {}, Fate.TRY_LATER),
    (500, {}, Fate.IN_DOUBT),
    (502, b"<html>Bad gateway", Fate.IN_DOUBT),
    (504, {}, Fate.IN_DOUBT),
    (200, b"<html>Welcome to the hotel", Fate.IN_DOUBT),
    (DROP, None, Fate.IN_DOUBT),
    (STALL, None, Fate.IN_DOUBT),
]  # fmt: skip


@pytest.mark.parametrize(("status", "value", "fate"), FATES)
@pytest.mark.parametrize("kind", ["postmark", "amazon_ses"])
def test_every_answer_has_its_fate(kind, status, value, fate, web, letter):
    web.answer = status if value is None else (status, value)
    commits = Commits()

    seconds = 0.5 if status == STALL else 20
    outcome = send(web, letter, kind, before_data=commits, seconds=seconds)

    assert outcome.fate is fate, outcome.detail
    assert commits.count == 1
    assert len(web.asked) == 1
    assert outcome.detail.endswith(".")


@pytest.mark.parametrize("kind", ["postmark", "amazon_ses", "resend"])
def test_what_breaks_before_the_request_is_tried_again(kind, letter):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        commits = Commits()
        outcome = deliver(
            Provider(kind, KEY, SECRET, url=url), letter, before_data=commits
        )

    assert outcome.fate is Fate.TRY_LATER
    assert commits.count == 0


@pytest.mark.parametrize("kind", ["postmark", "amazon_ses"])
def test_a_commit_that_fails_sends_nothing(kind, web, letter):
    class LostClaim(Exception):
        pass

    def refuse():
        raise LostClaim

    with pytest.raises(LostClaim):
        send(web, letter, kind, before_data=refuse)
    assert web.asked == []


def test_a_refusal_that_anymail_overlooks_is_none_the_less_one(web, letter):
    # Not the words that anymail knows by heart.
    web.answer = (422, {"ErrorCode": 406, "Message": "This recipient is inactive"})
    assert send(web, letter, "postmark").fate is Fate.REFUSED


@pytest.mark.parametrize("kind", ["mailtrap", "mandrill", "postmark"])
def test_a_refused_recipient_fails_the_mail(kind, web, letter):
    web.answer = {
        "mailtrap": (400, {"success": False, "errors": ["'to' is invalid"]}),
        "mandrill": (
            200,
            [{"email": "bo@b.example", "status": "rejected", "_id": "x"}],
        ),
        "postmark": (422, {"ErrorCode": 406, "Message": "Inactive recipient"}),
    }[kind]
    assert send(web, letter, kind).fate is Fate.REFUSED


@pytest.mark.parametrize(
    ("name", "fate"),
    [
        ("Invalid_Key", Fate.ACCOUNT_TROUBLE), ("PaymentRequired", Fate.ACCOUNT_TROUBLE),
        ("ValidationError", Fate.REFUSED), ("ServiceUnavailable", Fate.TRY_LATER),
        ("GeneralError", Fate.IN_DOUBT),
    ],
)  # fmt: skip
def test_mandrill_tells_everything_with_status_500(name, fate, web, letter):
    answer = {"status": "error", "code": -1, "name": name, "message": "You see?"}
    web.answer = (500, answer)
    assert send(web, letter, "mandrill").fate is fate


def test_postal_tells_errors_with_status_200(web, letter):
    web.answer = (
        200,
        {"status": "error", "data": {"code": "UnauthenticatedFromAddress"}},
    )
    assert send(web, letter, "postal").fate is not Fate.IN_DOUBT
