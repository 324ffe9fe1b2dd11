"""A provider is asked whether it knows the key; nothing is sent by that."""

from __future__ import annotations

import base64

import pytest

from campaigns.fates import Fate
from campaigns.providers.backends import Provider
from campaigns.providers.probing import probe
from tests.campaigns.providers.handing_over import KEY, SECRET
from tests.campaigns.web_server import DROP

#: Kind -> the path that is asked.
PATHS = {
    "brevo": "/account", "mailersend": "/api-quota", "mailjet": "/v3/REST/sender",
    "mailgun": "/domains/brightside.example", "mandrill": "/users/ping2.json",
    "postmark": "/server", "resend": "/domains", "sendgrid": "/scopes",
    "sparkpost": "/account", "amazon_ses": "/v2/email/account",
}  # fmt: skip


def ask(web, kind, **values):
    given = {"url": web.url, "domain": "brightside.example", "seconds": 20, **values}
    return probe(Provider(kind, KEY, SECRET, **given))


@pytest.mark.parametrize("kind", PATHS)
def test_a_known_key_is_said_to_be_known(kind, web):
    web.answer = (200, {"SendingEnabled": True, "ProductionAccessEnabled": True})

    outcome = ask(web, kind)

    assert outcome.fate is Fate.ACCEPTED
    assert "knows the key" in outcome.detail
    (asked,) = web.asked
    assert asked.path == PATHS[kind]
    carried = " ".join(asked.headers.values()) + asked.body.decode()
    basic = asked.headers.get("authorization", "").removeprefix("Basic ")
    if len(basic) % 4 == 0 and "=" not in basic[:-2] and " " not in basic:
        carried += base64.b64decode(basic).decode("utf-8", "replace")
    assert KEY in carried


@pytest.mark.parametrize("kind", PATHS)
def test_an_unknown_key_is_the_accounts_trouble(kind, web):
    web.answer = (403, {"message": f"Unknown key {KEY}"})
    outcome = ask(web, kind)
    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "correct its key" in outcome.detail
    assert KEY not in outcome.detail


@pytest.mark.parametrize("kind", ["resend", "amazon_ses", "postal"])
@pytest.mark.parametrize("answer", [500, DROP])
def test_a_provider_that_is_unwell_is_not_the_accounts_trouble(kind, answer, web):
    web.answer = answer
    expected = Fate.ACCEPTED if (kind, answer) == ("postal", 500) else Fate.TRY_LATER
    assert ask(web, kind).fate is expected


def test_a_key_that_may_only_send_is_fine(web):
    web.answer = (401, {"name": "restricted_api_key", "message": "only send emails"})
    assert ask(web, "resend").fate is Fate.ACCEPTED


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"SendingEnabled": False}, "switched sending off"),
        ({"SendingEnabled": True, "ProductionAccessEnabled": False}, "sandbox"),
    ],
)
def test_amazon_tells_why_it_would_not_send(state, words, web):
    web.answer = (200, state)
    outcome = ask(web, "amazon_ses")
    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert words in outcome.detail


def test_what_cannot_be_asked_without_a_mail_is_said(web):
    outcome = ask(web, "unisender_go")
    assert outcome.fate is Fate.ACCEPTED
    assert "shows with a test mail" in outcome.detail


def test_a_missing_address_is_said():
    outcome = probe(Provider("postal", KEY))
    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "API address" in outcome.detail


def test_test_mode_asks_nobody_outside(monkeypatch):
    import socket

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.9", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)
    outcome = probe(Provider("resend", KEY))
    assert outcome.fate is Fate.ACCOUNT_TROUBLE
    assert "TEST_MODE is on" in outcome.detail
