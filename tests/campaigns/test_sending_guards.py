"""What is asked again inside the claim, and what many senders at once may do."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.fates import AccountTrouble
from campaigns.models import Email
from campaigns.sending import send_email
from fliptech_site.errors import InvalidInput, RateLimited
from leads.suppression import suppress
from tests.campaigns.conftest import make_demo
from tests.campaigns.mail_server import MailServer

pytestmark = pytest.mark.django_db


def test_a_suppressed_address_is_skipped_inside_the_claim(server, make_email):
    email = make_email(port=server.port)
    suppress(email.address.upper(), reason="asked by phone")

    result = send_email(email.pk)

    email.recipient.refresh_from_db()
    assert (result["state"], result["reason"]) == ("skipped", "suppressed")
    assert email.recipient.reason == "suppressed"
    assert server.sessions == 0


def test_a_paused_campaign_sends_nothing_and_loses_nothing(server, make_email):
    email = make_email(port=server.port)
    type(email.campaign).objects.update(state="paused")

    result = send_email(email.pk)

    assert result["state"] == "waiting"
    assert result["detail"] == "The campaign is paused; nothing is sent now."
    assert server.sessions == 0


def test_a_demo_that_was_taken_down_stops_its_mail(server, make_email, make_lead):
    email = make_email(port=server.port, lead=make_lead(demo=False))

    assert send_email(email.pk)["reason"] == "no_demo"
    make_demo(email.lead)
    assert send_email(email.pk)["state"] == "skipped"


def test_two_campaigns_write_to_an_address_once(server, make_email, make_lead):
    lead = make_lead()
    first = make_email(port=server.port, lead=lead)
    second = make_email(port=server.port, lead=lead)

    send_email(first.pk)
    result = send_email(second.pk)

    assert (result["state"], result["reason"]) == ("skipped", "already_mailed")
    assert first.campaign.name in result["detail"]
    assert len(server.mails) == 1


def test_the_quiet_time_between_campaigns_ends(server, make_email, make_lead):
    lead = make_lead()
    send_email(make_email(port=server.port, lead=lead).pk)
    Email.objects.update(claimed_at=timezone.now() - timedelta(days=31))

    assert send_email(make_email(port=server.port, lead=lead).pk)["state"] == "sent"


def test_the_pace_of_the_account_burns_nothing(server, make_campaign, make_email):
    campaign = make_campaign(port=server.port)
    type(campaign.account).objects.update(per_minute=1)
    first, second = make_email(campaign=campaign), make_email(campaign=campaign)

    send_email(first.pk)
    with pytest.raises(RateLimited) as refusal:
        send_email(second.pk)

    second.refresh_from_db()
    assert 50 < (refusal.value.retry_after or 0) <= 60
    assert (second.state, second.attempts) == ("waiting", 0)
    assert len(server.mails) == 1


def test_an_account_that_is_switched_off_pauses_its_campaign(server, make_email):
    email = make_email(port=server.port)
    type(email.account).objects.update(is_enabled=False)

    with pytest.raises(AccountTrouble, match="switched off"):
        send_email(email.pk)

    email.refresh_from_db()
    email.campaign.refresh_from_db()
    assert email.state == "waiting"
    assert email.campaign.state == "paused"
    assert "switched off" in email.campaign.state_reason


def test_a_refused_log_in_pauses_the_campaign_and_loses_no_mail(
    make_account, make_campaign, make_email
):
    script = {"AUTH": "535 5.7.8 bad credentials"}
    with MailServer(script, offers=["AUTH PLAIN"]) as server:
        account = make_account(server.port, username="ada", password="correct horse")
        email = make_email(campaign=make_campaign(account=account))

        with pytest.raises(
            AccountTrouble, match="refused the log-in of ada"
        ) as trouble:
            send_email(email.pk)

        email.refresh_from_db()
        email.campaign.refresh_from_db()
        assert email.state == "deferred"
        assert email.campaign.state == "paused"
        assert "correct horse" not in str(trouble.value) + email.detail


def test_the_last_mail_finishes_the_campaign(server, make_campaign, make_email):
    campaign = make_campaign(port=server.port)
    first, second = make_email(campaign=campaign), make_email(campaign=campaign)

    send_email(first.pk)
    campaign.refresh_from_db()
    assert campaign.state == "running"
    send_email(second.pk)
    campaign.refresh_from_db()
    assert campaign.state == "finished"


def test_a_template_that_fails_for_a_lead_is_said_and_nothing_is_sent(
    server, make_email
):
    email = make_email(port=server.port)
    type(email.template).objects.update(subject="{{ lead.nme }}")

    result = send_email(email.pk)

    assert result["state"] == "failed"
    assert "did you mean 'lead.name'?" in result["detail"]
    assert server.sessions == 0


def test_an_unknown_mail_is_refused():
    with pytest.raises(InvalidInput, match="There is no e-mail 4711"):
        send_email(4711)


@pytest.mark.django_db(transaction=True)
def test_two_threads_with_one_mail_send_it_once(make_email):
    """The first is held inside SMTP until the second has come and gone."""
    second_done = threading.Event()
    with MailServer() as server:
        email = make_email(port=server.port)
        entered = threading.Event()

        def hold():
            entered.set()
            second_done.wait(20)

        server.on["greeting"] = hold
        results = []

        def run():
            try:
                results.append(send_email(email.pk)["state"])
            finally:
                connection.close()

        first = threading.Thread(target=run)
        first.start()
        assert entered.wait(20)
        second = threading.Thread(target=run)
        second.start()
        second.join()
        second_done.set()
        first.join()

        assert sorted(results) == ["sending", "sent"]
        assert len(server.mails) == 1
        assert server.sessions == 1


@pytest.mark.django_db(transaction=True)
def test_a_crowd_of_threads_sends_each_mail_once(make_campaign, make_email):
    with MailServer() as server:
        campaign = make_campaign(port=server.port)
        emails = [make_email(campaign=campaign) for _ in range(5)]
        start = threading.Barrier(4)

        def run():
            start.wait()
            try:
                for email in emails:
                    while True:
                        try:
                            send_email(email.pk)
                            break
                        except RateLimited:
                            continue
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(to for to, _ in server.mails) == sorted(e.address for e in emails)
        campaign.refresh_from_db()
        assert campaign.state == "finished"
