"""Shared limits in admin: names that hold somebody, and what of a day is used up."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from campaigns.models import SendingLimit
from campaigns.sending import send_email

pytestmark = pytest.mark.django_db

LIST = "admin:campaigns_sendinglimit_changelist"


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("root"))
    return client


def add(client, **values):
    values = {
        "scope": "domain",
        "name": "*",
        "per_minute": "",
        "per_day": "5",
        **values,
    }
    return client.post(reverse("admin:campaigns_sendinglimit_add"), values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"scope": "user", "name": "nobody"}, "There is no user &#x27;nobody&#x27;."),
        ({"name": "gmail"}, "Write a domain such as gmail.com"),
        ({"per_day": ""}, "Write how much may go a minute, or a day."),
        ({"per_day": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_limit_that_would_hold_nobody_is_refused(values, sentence, admin):
    assert sentence in add(admin, **values).content.decode()
    assert not SendingLimit.objects.exists()


@pytest.mark.parametrize(
    ("scope", "typed", "kept"),
    [
        ("domain", "Ada@GMail.com ", "gmail.com"),
        ("domain", "*", "*"),
        ("provider", "SMTP.Gmail.com", "smtp.gmail.com"),
        ("user", "root", "root"),
    ],
)
def test_a_name_is_kept_as_mails_have_it(scope, typed, kept, admin):
    add(admin, scope=scope, name=typed)
    assert SendingLimit.objects.get().name == kept


def test_the_list_says_how_much_of_the_day_is_used(
    admin, make_account, make_campaign, make_email, server
):
    campaign = make_campaign(account=make_account(server.port))
    email = make_email(campaign=campaign)
    domain = email.address.partition("@")[2]
    add(admin, name=domain, per_day="1200")
    add(admin, name="*", per_day="3")
    send_email(email.pk)

    shown = admin.get(reverse(LIST)).content.decode()

    assert "1 of 1,200" in shown
    assert "counted for each by itself" in shown
    assert f"domain of the recipient: {domain}" in shown
    assert "each domain of the recipient without a limit of its own" in shown
