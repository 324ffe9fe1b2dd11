"""`manage.py account`: every answer is one sentence, and no secret is an argument."""

from __future__ import annotations

import io
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from campaigns import domain_checks
from campaigns.models import Account
from campaigns.trying_accounts import try_account
from tests.campaigns.mail_server import DROP, MailServer
from tests.campaigns.name_server import NameServer, resolver_at
from tests.campaigns.web_server import WebServer

pytestmark = pytest.mark.django_db


def run(*words):
    out = io.StringIO()
    call_command("account", *words, stdout=out)
    return out.getvalue()


def test_check_connects_logs_in_and_sends_nothing(make_account):
    with MailServer(offers=["AUTH PLAIN"]) as server:
        make_account(server.port, name="Main", username="ada", password="right")
        assert (
            run("check", "Main") == f"127.0.0.1:{server.port} answers and knows ada.\n"
        )
        assert not any(line.startswith(("MAIL", "DATA")) for line in server.commands)
        assert any(line.startswith("AUTH") for line in server.commands)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ({"AUTH": "535 5.7.8 no"}, "correct the account's user name and password"),
        ({"greeting": "554 no service"}, "says not now"),
        ({"EHLO": DROP}, "broke"),
    ],
)
def test_check_says_what_is_wrong_and_fails(script, sentence, make_account):
    with MailServer(script, offers=["AUTH PLAIN"]) as server:
        make_account(server.port, name="Main", username="ada", password="wrong")
        with pytest.raises(CommandError, match=sentence):
            run("check", "Main")


def test_check_asks_a_provider_too(make_account):
    with WebServer((403, {"message": "no such token"})) as web:
        account = make_account(kind="postmark", api_url=web.url)
        with pytest.raises(CommandError, match="Postmark refused the account"):
            run("check", str(account.pk))


def test_an_account_that_is_off_or_locked_is_told_so(make_account, settings):
    with MailServer() as server:
        account = make_account(server.port, is_enabled=False)
        verdict = try_account(account)
        assert verdict.is_fine
        assert verdict.sentence.endswith("The account is switched off.")
    account.username, account.password = "ada", "x"
    settings.FIELD_KEYS = ["quite another key, long enough to be one"]
    assert "FIELD_KEYS" in try_account(account).sentence


def test_token_stores_the_grant_sealed_and_proves_it(
    make_account, monkeypatch, settings
):
    account = make_account(name="Main")
    monkeypatch.setattr(sys, "stdin", io.StringIO("an-id\na-secret\na-refresh\n"))
    with WebServer((200, {"access_token": "t", "expires_in": 3600})) as web:
        settings.FETCH_ALLOWED_PRIVATE = [f"127.0.0.1:{web.port}"]
        told = run(
            "token", "Main", "--provider", "other", "--token-url", f"{web.url}/t"
        )

    account.refresh_from_db()
    assert account.log_in == "oauth2"
    assert account.oauth_client_id == "an-id"
    assert account.oauth_client_secret == "a-secret"
    assert account.oauth_refresh_token == "a-refresh"
    assert web.asked[0].form["refresh_token"] == "a-refresh"
    assert not any(secret in told for secret in ("an-id", "a-secret", "a-refresh"))
    assert "a-refresh" not in str(Account.objects.values().get())


@pytest.mark.parametrize("given", ["", "an-id\na-secret\na-refresh\n"])
def test_a_grant_that_proves_wrong_leaves_the_account_as_it_was(
    given, make_account, monkeypatch, settings
):
    make_account(name="Main")
    before = Account.objects.values().get()
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    with WebServer((400, {"error": "invalid_grant"})) as web:
        settings.FETCH_ALLOWED_PRIVATE = [f"127.0.0.1:{web.port}"]
        with pytest.raises(CommandError, match="client id" if not given else "invalid"):
            run("token", "Main", "--token-url", f"{web.url}/t")
    assert Account.objects.values().get() == before


def test_domain_and_dkim(make_account, monkeypatch):
    make_account(name="Main")
    told = run("dkim", "Main", "--selector", "mail2026")
    assert "mail2026._domainkey.brightside.example\tv=DKIM1; k=rsa; p=" in told
    with pytest.raises(CommandError, match="signs already"):
        run("dkim", "Main", "--selector", "other")

    record = told.strip().rpartition("\t")[2]
    names = {
        "brightside.example": ["v=spf1 -all"],
        "_dmarc.brightside.example": ["v=DMARC1; p=none"],
        "mail2026._domainkey.brightside.example": [record],
    }
    with NameServer(names) as server:
        monkeypatch.setattr(
            domain_checks, "_own_resolver", lambda: resolver_at(server.port)
        )
        assert "DKIM\tgood\t" in run("domain", "Main")
        del server.texts["brightside.example"][0]
        with pytest.raises(CommandError, match=r"brightside\.example is not in order"):
            run("domain", "Main")


def test_a_selector_is_a_name(make_account):
    make_account(name="Main")
    with pytest.raises(CommandError, match="A selector is a name"):
        run("dkim", "Main", "--selector", "no spaces")


def test_an_unknown_account_is_said_to_be_so(make_account):
    make_account(name="Main")
    assert "Main\tada@brightside.example\t127.0.0.1:25\ton" in run("list")
    with pytest.raises(CommandError, match="There is no account 'Other'"):
        run("check", "Other")
