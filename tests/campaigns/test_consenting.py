"""A mailbox's owner consents at an authorization server and comes back to admin."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.urls import reverse

from campaigns import consenting
from campaigns.models import Account
from tests.campaigns.authorization_server import AuthorizationServer
from tests.campaigns.test_oauth2 import Mailbox

pytestmark = pytest.mark.django_db

SECRETS = [
    "the-client-secret", "the-granted-refresh-token", "the-access-token", "code-1",
]  # fmt: skip


@pytest.fixture
def provider(settings):
    settings.PUBLIC_URL = "http://testserver"
    with AuthorizationServer() as running:
        settings.FETCH_ALLOWED_PRIVATE = [f"127.0.0.1:{running.port}"]
        yield running


@pytest.fixture
def account(make_account, provider):
    account = make_account(
        username="ada@brightside.example", log_in="oauth2", oauth_provider="google",
        oauth_authorize_url=f"{provider.url}/authorize",
        oauth_token_url=f"{provider.url}/token",
    )  # fmt: skip
    account.oauth_client_id = "the-client-id"
    account.oauth_client_secret = "the-client-secret"
    account.save()
    return account


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("root"))
    return client


def press(client, account, button="connect_google"):
    url = reverse(f"admin:campaigns_account_{button}", args=[account.pk])
    return client.post(url, {"_form_submitted": "True"})


def come_back(client, there):
    split = urlsplit(there)
    assert f"{split.scheme}://{split.netloc}" == "http://testserver"
    return client.get(f"{split.path}?{split.query}", follow=True)


def told(response):
    return " ".join(str(message) for message in response.context["messages"])


def test_an_account_is_connected_in_the_browser(admin, account, provider, caplog):
    caplog.set_level(logging.DEBUG)
    with Mailbox("the-access-token") as mailbox:
        Account.objects.update(smtp_port=mailbox.port, username="ada")
        there = press(admin, account)["HX-Redirect"]
        answer = come_back(admin, provider.consent(there))

    account.refresh_from_db()
    assert account.oauth_refresh_token == "the-granted-refresh-token"
    assert account.oauth_access_token == "the-access-token"
    assert f"{account} is connected. 127.0.0.1:{mailbox.port} answers" in told(answer)
    kept = str(Account.objects.values().get())
    seen = caplog.text + answer.content.decode()
    assert not any(secret in kept + seen for secret in SECRETS)


def test_the_owner_is_asked_for_what_lasts_and_for_nobody_else(account, provider):
    session = {}
    asked = parse_qs(urlsplit(consenting.begin(account, session)).query)
    assert asked["access_type"] == ["offline"]
    assert asked["login_hint"] == ["ada@brightside.example"]
    assert asked["redirect_uri"] == [
        "http://testserver/admin/campaigns/account/connected/"
    ]
    assert asked["scope"] == ["https://mail.google.com/"]
    again = parse_qs(urlsplit(consenting.begin(account, {})).query)
    assert again["state"] != asked["state"]
    assert again["code_challenge"] != asked["code_challenge"]
    assert "code_verifier" not in asked


def test_the_installation_may_have_the_application(account, provider, settings):
    account.oauth_client_id = account.oauth_client_secret = ""
    account.save()
    settings.OAUTH_CLIENTS = {"google": ("the-client-id", "the-client-secret")}
    session = {}
    back = provider.consent(consenting.begin(account, session))
    state, code = (
        parse_qs(urlsplit(back).query)[name][0] for name in ("state", "code")
    )
    consenting.finish(consenting.take_back(session, state), code)
    assert Account.objects.get().oauth_refresh_token == "the-granted-refresh-token"


def test_an_answer_to_another_browser_grants_nothing(admin, account, provider, client):
    back = provider.consent(press(admin, account)["HX-Redirect"])
    forged = back.replace("state=", "state=x")
    assert "belongs to no question" in told(come_back(admin, forged))
    # The question is closed with it: a second guess meets nothing.
    assert "belongs to no question" in told(come_back(admin, back))
    assert not Account.objects.get().oauth_refresh_token_sealed
    assert provider.codes


def test_an_answer_counts_once(admin, account, provider):
    back = provider.consent(press(admin, account)["HX-Redirect"])
    come_back(admin, back)
    assert "belongs to no question" in told(come_back(admin, back))


def test_an_answer_that_took_too_long_grants_nothing(account, provider, monkeypatch):
    session = {}
    back = provider.consent(consenting.begin(account, session))
    monkeypatch.setattr(consenting, "PATIENCE", -1)
    with pytest.raises(consenting.InvalidInput, match="grant it again"):
        consenting.take_back(session, parse_qs(urlsplit(back).query)["state"][0])


def test_an_owner_who_says_no_is_told_so(admin, account, provider):
    there = parse_qs(urlsplit(press(admin, account)["HX-Redirect"]).query)
    back = f"{there['redirect_uri'][0]}?error=access_denied&state={there['state'][0]}"
    assert "is not connected: access_denied." in told(come_back(admin, back))


def test_a_grant_that_does_not_last_is_refused(admin, account, provider):
    provider.refresh_token = ""
    answer = come_back(admin, provider.consent(press(admin, account)["HX-Redirect"]))
    assert "no grant that lasts" in told(answer)
    assert not Account.objects.get().oauth_access_token_sealed


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["before", "while the code is traded"])
def test_an_account_that_was_deleted_meanwhile_is_told_in_one_sentence(
    moment, admin, account, provider
):
    def delete():
        try:
            Account.objects.all().delete()
        finally:
            connection.close()

    back = provider.consent(press(admin, account)["HX-Redirect"])
    if moment == "before":
        Account.objects.all().delete()
    else:
        usual = provider.trade
        provider.trade = lambda asked: (delete(), usual(asked))[1]
    answer = come_back(admin, back)

    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == "/admin/campaigns/account/"
    assert told(answer) == (
        "The account was deleted meanwhile, so nothing was stored: make it anew and"
        " connect it."
    )
    assert not Account.objects.exists()


def test_a_grant_for_an_account_that_is_gone_is_not_even_asked_for(account, provider):
    session = {}
    back = provider.consent(consenting.begin(account, session))
    asked = consenting.take_back(session, parse_qs(urlsplit(back).query)["state"][0])
    Account.objects.all().delete()
    with pytest.raises(consenting.InvalidInput, match="deleted meanwhile"):
        consenting.finish(asked, "code-1")
    assert provider.codes


def test_a_browser_that_would_come_back_elsewhere_is_told_before(
    admin, account, settings
):
    settings.PUBLIC_URL = "https://agency.example"
    there = press(admin, account)["HX-Redirect"]
    assert there.endswith(f"/account/{account.pk}/change/")
    assert "open admin there" in told(admin.get(there))


def test_only_the_button_of_the_accounts_provider_shows(admin, account):
    page = reverse("admin:campaigns_account_change", args=[account.pk])
    shown = admin.get(page).content.decode()
    assert "Connect with Google" in shown
    assert "Connect with Microsoft" not in shown
    assert "http://testserver/admin/campaigns/account/connected/" in shown
    assert press(admin, account, "connect_microsoft").status_code == 403
    Account.objects.update(log_in="password")
    assert "Connect with Google" not in admin.get(page).content.decode()


def test_a_reader_connects_nothing(client, account, provider):
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    assert press(client, account).status_code == 403


def test_an_account_that_nobody_connected_says_so(account, provider):
    from campaigns.oauth2 import TokenRefused, access_token

    with pytest.raises(
        TokenRefused, match="not connected yet: on its page in admin choose"
    ):
        access_token(account)
