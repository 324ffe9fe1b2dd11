"""From an account's row to the mail: through a provider, signed, or refused in TEST_MODE."""

from __future__ import annotations

import dkim
import pytest

from campaigns.dkim_signing import generate_key, public_record, record_name
from campaigns.fates import AccountTrouble
from campaigns.launching import check_account
from campaigns.models import Account
from campaigns.sending import send_email
from fliptech_site.errors import InvalidInput
from tests.campaigns.web_server import DROP, WebServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def web():
    with WebServer((200, {"id": "resend-1"})) as running:
        yield running


@pytest.fixture
def resend(make_account, web):
    account = make_account(kind="resend", api_url=web.url, smtp_host="")
    account.api_key = "k3y-of-ada"
    account.save()
    return account


def test_a_campaigns_mail_goes_through_a_provider(
    resend, web, make_campaign, make_email
):
    email = make_email(campaign=make_campaign(account=resend))

    assert send_email(email.pk)["state"] == "sent"

    email.refresh_from_db()
    (asked,) = web.asked
    assert email.provider_id == "resend-1"
    assert email.data_started_at is not None
    assert asked.json["to"] == [email.address]
    assert asked.json["headers"]["Message-ID"] == email.message_id
    assert asked.headers["authorization"] == "Bearer k3y-of-ada"


def test_a_lost_answer_leaves_the_mail_in_doubt(
    make_account, web, make_campaign, make_email
):
    web.answer = DROP
    account = make_account(kind="postmark", api_url=web.url)
    email = make_email(campaign=make_campaign(account=account))

    assert send_email(email.pk)["state"] == "in_doubt"
    assert send_email(email.pk)["state"] == "in_doubt"
    assert len(web.asked) == 1


def test_a_wrong_key_pauses_the_campaign_and_burns_nothing(
    resend, web, make_campaign, make_email
):
    web.answer = (401, {"message": "API key is invalid"})
    campaign = make_campaign(account=resend)
    email = make_email(campaign=campaign)

    with pytest.raises(AccountTrouble, match="correct its key"):
        send_email(email.pk)

    campaign.refresh_from_db()
    email.refresh_from_db()
    assert (campaign.state, email.state) == ("paused", "deferred")


def test_test_mode_refuses_a_provider_before_anything_is_enqueued(make_account):
    with pytest.raises(InvalidInput, match="TEST_MODE is on and Resend is not"):
        check_account(make_account(kind="resend"))
    with pytest.raises(InvalidInput, match=r"192\.0\.2\.1:443 is not on this machine"):
        check_account(make_account(kind="resend", api_url="https://192.0.2.1/"))
    check_account(make_account(kind="resend", api_url="http://127.0.0.1:8000/"))


def test_a_test_mail_goes_to_the_sink_even_from_a_providers_account(
    resend, web, server, make_email, make_campaign, settings
):
    settings.MAIL_SINK = f"127.0.0.1:{server.port}"
    email = make_email(campaign=make_campaign(account=resend))
    assert send_email(email.pk, to_sink=True)["state"] == "sent"
    assert len(server.mails) == 1
    assert web.asked == []


def test_mails_of_an_account_with_a_key_arrive_signed(
    make_account, server, make_campaign, make_email
):
    account = make_account(server.port, dkim_selector="mail")
    account.dkim_key = generate_key()
    account.save()
    email = make_email(campaign=make_campaign(account=account))

    assert send_email(email.pk)["state"] == "sent"

    ((_, content),) = server.mails
    published = {f"{record_name(account)}.": public_record(account.dkim_key)}
    assert dkim.verify(
        content,
        dnsfunc=lambda name, timeout=5: published[name.decode()].encode(),
    )


def test_a_key_that_cannot_be_read_is_the_accounts_trouble(
    make_account, server, make_campaign, make_email, settings
):
    account = make_account(server.port, dkim_selector="mail")
    account.dkim_key = generate_key()
    account.save()
    settings.FIELD_KEYS = ["quite another key, long enough to be one"]
    Account.objects.update(password_sealed="")
    email = make_email(campaign=make_campaign(account=Account.objects.get()))

    with pytest.raises(AccountTrouble, match="FIELD_KEYS"):
        send_email(email.pk)
    assert server.mails == []
