"""Access tokens from a real token server, and a log-in with them to a real mail server."""

from __future__ import annotations

import base64
import logging
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.fates import Envelope, Fate
from campaigns.models import Account
from campaigns.oauth2 import PRESETS, TokenRefused, access_token, endpoint_of
from campaigns.sending import send_email
from campaigns.smtp import deliver, probe
from campaigns.transports import server_of
from fliptech_site.errors import TransientError
from tests.campaigns.mail_server import MailServer
from tests.campaigns.web_server import DROP, WebServer

pytestmark = pytest.mark.django_db

MAIL = Envelope("ada@a.example", "bo@b.example", b"Subject: x\r\n\r\nhello\r\n")
SECRETS = ["the-client-secret", "the-refresh-token", "token-1", "token-2"]


class Tokens(WebServer):
    """A token server that numbers its tokens."""

    def __init__(self, **also):
        self.given = 0
        self.also = also
        super().__init__(self.give)

    def give(self, asked):
        self.given += 1
        return 200, {
            "access_token": f"token-{self.given}", "expires_in": 3600,
            "token_type": "Bearer", **self.also,
        }  # fmt: skip


class Mailbox(MailServer):
    """Speaks XOAUTH2 and lets in who brings the right token."""

    def __init__(self, accepted):
        super().__init__(offers=["AUTH XOAUTH2 PLAIN"])
        self.accepted = accepted
        self.brought = []
        self.refused = False

    def judge(self, verb, text):
        if verb == "AUTH":
            said = base64.b64decode(text.split(" ")[2]).decode()
            self.brought.append(said)
            self.refused = said != f"user=ada\x01auth=Bearer {self.accepted}\x01\x01"
            if self.refused:
                return "334 " + base64.b64encode(b'{"status":"400"}').decode()
            return "235 welcome"
        if verb == "" and self.refused:
            return "535 5.7.8 invalid credentials"
        return None


@pytest.fixture
def tokens(settings):
    with Tokens() as running:
        settings.FETCH_ALLOWED_PRIVATE = [f"127.0.0.1:{running.port}"]
        yield running


@pytest.fixture
def make_oauth_account(make_account, tokens):
    def make(port=25, **values):
        account = make_account(
            port,
            username="ada",
            log_in="oauth2",
            **{"oauth_token_url": f"{tokens.url}/token", **values},
        )
        account.oauth_client_id = "the-client-id"
        account.oauth_client_secret = "the-client-secret"
        account.oauth_refresh_token = "the-refresh-token"
        account.save()
        return account

    return make


def test_a_token_is_asked_for_as_rfc_6749_has_it(make_oauth_account, tokens):
    assert access_token(make_oauth_account()) == "token-1"

    (asked,) = tokens.asked
    assert asked.path == "/token"
    assert asked.form == {
        "grant_type": "refresh_token", "refresh_token": "the-refresh-token",
        "client_id": "the-client-id", "client_secret": "the-client-secret",
        "scope": "https://mail.google.com/",
    }  # fmt: skip


def test_a_token_is_kept_sealed_until_shortly_before_its_end(
    make_oauth_account, tokens
):
    account = make_oauth_account()
    access_token(account)

    assert access_token(Account.objects.get()) == "token-1"
    assert "token-1" not in str(Account.objects.values().get())
    near = timezone.now() + timedelta(seconds=59)
    Account.objects.update(oauth_expires_at=near)
    assert access_token(Account.objects.get()) == "token-2"
    assert tokens.given == 2


def test_a_new_refresh_token_takes_the_place_of_the_old(make_oauth_account, tokens):
    tokens.also = {"refresh_token": "a-newer-one"}
    access_token(make_oauth_account())
    assert Account.objects.get().oauth_refresh_token == "a-newer-one"


def test_an_application_with_rights_of_its_own_asks_without_a_refresh_token(
    make_oauth_account, tokens
):
    account = make_oauth_account(oauth_provider="microsoft", oauth_scope="x/.default")
    account.oauth_refresh_token = ""
    account.save()
    access_token(account)
    assert tokens.asked[0].form["grant_type"] == "client_credentials"
    assert tokens.asked[0].form["scope"] == "x/.default"


@pytest.mark.parametrize("provider", ["google", "microsoft"])
def test_the_large_providers_need_no_addresses(provider, make_oauth_account):
    account = make_oauth_account(oauth_provider=provider, oauth_token_url="")
    assert endpoint_of(account) == PRESETS[provider]
    assert endpoint_of(account).token_url.startswith("https://")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            (400, {"error": "invalid_grant", "error_description": "Token\x1b revoked."}),
            r"no access token \(invalid_grant: Token revoked\): connect it again",
        ),
        ((401, {"error": "invalid_client"}), "invalid_client"),
        ((200, {"access_token": "a\x01b"}), "HTTP 200"),
        ((200, b"<html>"), "HTTP 200"),
        (302, "HTTP 302"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_one_sentence(
    answer, sentence, make_oauth_account, tokens
):
    tokens.answer = answer
    with pytest.raises(TokenRefused, match=sentence) as caught:
        access_token(make_oauth_account())
    assert not any(secret in str(caught.value) for secret in SECRETS)


def test_no_secret_is_sent_in_clear_to_another_machine(make_oauth_account):
    account = make_oauth_account(oauth_token_url="http://203.0.113.9/token")
    with pytest.raises(TokenRefused, match="in clear: begin the token address"):
        access_token(account)


@pytest.mark.parametrize("answer", [500, 429, DROP])
def test_a_token_server_that_is_unwell_is_asked_again_later(
    answer, make_oauth_account, tokens
):
    tokens.answer = answer
    with pytest.raises(TransientError):
        access_token(make_oauth_account())


def test_a_mail_goes_out_with_a_token(make_oauth_account, tokens):
    with Mailbox("token-1") as mailbox:
        server = server_of(make_oauth_account(mailbox.port))
        outcome = deliver(server, MAIL, before_data=lambda: None)

    assert outcome.fate is Fate.ACCEPTED
    assert mailbox.mails == [(MAIL.recipient, MAIL.content)]
    assert not any(secret in repr(server) for secret in SECRETS)


def test_a_refused_token_is_exchanged_once(make_oauth_account, tokens):
    with Mailbox("token-2") as mailbox:
        account = make_oauth_account(mailbox.port)
        access_token(account)
        outcome = probe(server_of(Account.objects.get()))

    assert outcome.fate is Fate.ACCEPTED
    assert len(mailbox.brought) == 2
    assert tokens.given == 2


def test_a_token_that_another_worker_renewed_is_used(make_oauth_account, tokens):
    account = make_oauth_account()
    old = Account.objects.get()
    access_token(account)
    assert access_token(old, refused="token-0") == "token-1"
    assert tokens.given == 1


def test_a_log_in_that_is_always_refused_stops_the_campaign_with_a_reason(
    make_oauth_account, make_campaign, make_email, caplog
):
    caplog.set_level(logging.DEBUG)
    with Mailbox("never") as mailbox:
        campaign = make_campaign(account=make_oauth_account(mailbox.port))
        email = make_email(campaign=campaign)
        with pytest.raises(Exception, match="user name and grant"):
            send_email(email.pk)

    campaign.refresh_from_db()
    email.refresh_from_db()
    assert (campaign.state, email.state) == ("paused", "deferred")
    assert mailbox.mails == []
    told = caplog.text + campaign.state_reason + email.detail
    assert not any(secret in told for secret in SECRETS)


def test_a_refused_grant_pauses_the_campaign_before_anything_is_sent(
    make_oauth_account, make_campaign, make_email, tokens
):
    tokens.answer = (400, {"error": "invalid_grant"})
    with Mailbox("token-1") as mailbox:
        campaign = make_campaign(account=make_oauth_account(mailbox.port))
        with pytest.raises(Exception, match="invalid_grant"):
            send_email(make_email(campaign=campaign).pk)

    campaign.refresh_from_db()
    assert campaign.state == "paused"
    assert "invalid_grant" in campaign.state_reason


@pytest.mark.django_db(transaction=True)
def test_many_workers_ask_once(make_oauth_account, tokens):
    account = make_oauth_account()
    got = []

    def ask():
        try:
            got.append(access_token(Account.objects.get(pk=account.pk)))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == ["token-1"] * 5
    assert tokens.given == 1
