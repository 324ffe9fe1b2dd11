"""An account's page: what goes in, what never comes out, what it shows and asks."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from campaigns import domain_checks
from campaigns.account_days import ramp_days, today_of
from campaigns.admin.account_form import AccountForm
from campaigns.dkim_signing import generate_key, public_record
from campaigns.models import Account, Email
from campaigns.ramp_up import RampUp
from tests.campaigns.name_server import NameServer, resolver_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    client.force_login(
        User.objects.create(username="root", is_staff=True, is_superuser=True)
    )
    return client


def form(**values):
    return {
        "name": "Main", "is_enabled": "on", "kind": "smtp", "from_name": "Ada",
        "from_address": "ada@agency.example", "postal_address": "1 Main St",
        "smtp_host": "127.0.0.1", "smtp_port": "25", "security": "none",
        "log_in": "password", "mails_per_connection": "50", "sent_together": "7",
        "oauth_provider": "google", "per_minute": "50", "min_gap_seconds": "0",
        "ramp_up_start": "10", "ramp_up_step": "5", "ramp_up_ceiling": "50",
        "work_days": ["1", "2", "3", "4", "5"], "work_from": "09:00",
        "work_until": "17:00", "dkim_change": "keep", **values,
    }  # fmt: skip


def add(admin, **values):
    return admin.post(reverse("admin:campaigns_account_add"), form(**values))


def change(admin, account, **values):
    url = reverse("admin:campaigns_account_change", args=[account.pk])
    return admin.post(url, form(**values))


def page(admin, account):
    url = reverse("admin:campaigns_account_change", args=[account.pk])
    return admin.get(url).content.decode()


def press(client, account, button):
    url = reverse(f"admin:campaigns_account_{button}", args=[account.pk])
    return client.post(url, {"_form_submitted": "True"}, follow=True)


def told(client):
    """What the next page says on top."""
    response = client.get(reverse("admin:campaigns_account_changelist"))
    return [str(message) for message in response.context["messages"]]


def test_secrets_go_in_encrypted_and_never_come_out(admin):
    secrets = {
        "new_password": "s3cr3t-one", "new_api_key": "s3cr3t-two",
        "new_refresh_token": "s3cr3t-three", "new_client_id": "s3cr3t-four",
    }  # fmt: skip
    add(admin, **secrets)

    account = Account.objects.get()
    assert account.password == "s3cr3t-one"
    assert account.oauth_refresh_token == "s3cr3t-three"
    assert "s3cr3t" not in str(Account.objects.values().get())
    shown = page(admin, account)
    assert "s3cr3t" not in shown
    assert account.password_sealed not in shown
    assert 'placeholder="stored"' in shown

    change(admin, account, name="Other")
    account.refresh_from_db()
    assert (account.name, account.password) == ("Other", "s3cr3t-one")


def test_a_changed_grant_forgets_the_token_of_the_old_one(admin, make_account):
    account = make_account()
    account.oauth_access_token = "old"
    account.oauth_expires_at = timezone.now() + timedelta(hours=1)
    account.save()

    change(admin, account, new_refresh_token="a-new-grant")

    account.refresh_from_db()
    assert account.oauth_access_token == ""
    assert account.oauth_expires_at is None


def test_days_and_hours_are_kept_and_shown(admin):
    add(admin, time_zone="Europe/Berlin")
    account = Account.objects.get()
    assert (account.work_days, account.window) == ("12345", 7)
    assert str(account.zone) == "Europe/Berlin"
    assert page(admin, account).count("checked") >= 5


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"smtp_host": "192.0.2.1"}, "TEST_MODE is on and 192.0.2.1:25 is not on"),
        ({"smtp_host": ""}, "Name the server"),
        ({"kind": "resend", "api_url": "http://127.0.0.1:1/"}, "asks for its key"),
        ({"kind": "resend", "new_api_key": "k"}, "TEST_MODE is on and Resend is not"),
        ({"kind": "postal", "new_api_key": "k"}, "has no usual address"),
        ({"kind": "mailjet", "new_api_key": "k"}, "Type the secret key"),
        (
            {"kind": "resend", "new_api_key": "k", "api_url": "http://192.0.2.1/"},
            "Begin it with https://",
        ),
        (
            {"kind": "resend", "new_api_key": "k", "api_url": "ftp://x.example/"},
            "is not a web address",
        ),
        ({"oauth_token_url": "http://tokens.example/"}, "Begin it with https://"),
        ({"log_in": "oauth2"}, "OAuth2 needs the mailbox"),
        ({"log_in": "oauth2", "username": "a"}, "id of your application"),
        ({"work_days": []}, "This field is required"),
        ({"work_from": "17:00", "work_until": "09:00"}, "begin before they end"),
        ({"dkim_change": "make"}, "A key needs the name"),
        ({"dkim_change": "paste", "dkim_selector": "a"}, "Paste the key here"),
        (
            {"dkim_change": "paste", "dkim_selector": "a", "dkim_pasted": "nonsense"},
            "This is no private key",
        ),
    ],
)
def test_what_could_not_send_is_refused_with_a_sentence(values, sentence, admin):
    response = add(admin, **values)
    assert sentence in response.content.decode()
    assert not Account.objects.exists()


def test_no_field_takes_a_name_that_the_pages_script_needs():
    """Unfold's script has the form's fields as its names, beside the browser's own."""
    names = set(AccountForm().fields)
    assert not names & {"window", "document", "location", "history"}


def test_a_provider_needs_no_server(admin):
    add(
        admin, kind="resend", smtp_host="", new_api_key="k3y",
        api_url="http://127.0.0.1:8000/",
    )  # fmt: skip
    account = Account.objects.get()
    assert (account.api_key, account.way) == ("k3y", "Resend")


def test_a_key_is_made_pasted_and_taken_away(admin):
    add(admin, dkim_change="make", dkim_selector="mail")
    account = Account.objects.get()
    shown = page(admin, account)
    assert public_record(account.dkim_key) in shown
    assert "mail._domainkey.agency.example" in shown
    assert "PRIVATE KEY" not in shown

    pasted = generate_key()
    change(
        admin, account, dkim_change="paste", dkim_pasted=pasted, dkim_selector="mail"
    )
    account.refresh_from_db()
    assert account.dkim_key == pasted
    assert pasted not in page(admin, account)

    change(admin, account, dkim_change="drop")
    account.refresh_from_db()
    assert account.dkim_key == ""


def test_the_page_says_how_much_of_the_day_is_used(
    admin, make_account, make_campaign, make_email
):
    now = timezone.now()
    account = make_account(daily_cap=40, ramp_up_from=now.date() - timedelta(days=2))
    campaign = make_campaign(account=account)
    for days in (0, 0, 2):
        at = now - timedelta(days=days)
        email = make_email(campaign=campaign)
        values = {"message_id": f"<{email.pk}@x>", "claimed_at": at, "sent_at": at}
        Email.objects.filter(pk=email.pk).update(state="sending", **values)
        Email.objects.filter(pk=email.pk).update(state="sent")

    today = today_of(account, now)
    assert (today.sent, today.allowed, today.works, today.percent) == (2, 20, True, 10)
    shown = page(admin, account)
    assert "of 20 sent today" in shown
    assert "20 today." in shown
    assert "Not asked yet" in shown


def test_a_ramp_up_is_shown_from_its_first_day_to_its_ceiling():
    began = date(2026, 11, 2)
    days = ramp_days(RampUp(began, 10, 5, 50), began + timedelta(days=3))
    assert [day.allowed for day in days] == [10, 15, 20, 25, 30, 35, 40, 45, 50]
    assert [day.is_today for day in days].index(True) == 3
    assert days[-1].percent == 100
    # One that never ends is shown up to today, and not for ever.
    assert len(ramp_days(RampUp(began, 10, 0, 50), date(2030, 1, 1))) == 60


def test_the_button_tests_the_account(admin, make_account, server):
    press(admin, make_account(server.port), "try_it")
    assert told(admin) == [f"127.0.0.1:{server.port} answers."]
    assert server.mails == []


def test_the_button_checks_the_domain(admin, make_account, monkeypatch):
    account = make_account()
    with NameServer({"brightside.example": ["v=spf1 -all"]}) as names:
        monkeypatch.setattr(
            domain_checks, "_own_resolver", lambda: resolver_at(names.port)
        )
        press(admin, account, "check_its_domain")

    said = told(admin)
    assert any("has no DMARC record" in sentence for sentence in said)
    shown = page(admin, account)
    assert "SPF says who may send in this name." in shown
    assert "#dc2626" in shown


@pytest.mark.parametrize("button", ["try_it", "check_its_domain"])
def test_a_reader_may_press_neither(button, client, make_account):
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    account = make_account()

    assert press(client, account, button).status_code == 403
    assert account.name in page(client, account)


def test_accounts_that_take_turns_are_chosen_in_the_campaign(
    admin, make_account, make_campaign
):
    campaign = make_campaign()
    other = make_account(name="The second sender")
    campaign.rotation.create(account=other, weight=3)
    url = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    shown = admin.get(url).content.decode()
    assert "Accounts that take turns" in shown
    assert "The second sender" in shown
