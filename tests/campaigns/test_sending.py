"""Real SMTP on loopback: at most one mail per recipient, whatever fails where."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from campaigns import sending, smtp
from campaigns.claiming import AccountTrouble, Fence, claim, mark_data_started
from campaigns.models import Email
from campaigns.sending import send_email
from campaigns.smtp import Timeouts
from fliptech_site.errors import InvalidInput, RateLimited, TransientError
from leads.suppression import suppress
from tasks.current import Claim, set_current_claim
from tests.campaigns.conftest import make_demo
from tests.campaigns.mail_server import DROP, STALL, MailServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_task():
    """Run as the task of this id, as a worker does."""

    def bind(task_id):
        set_current_claim(
            Claim(
                task_id,
                1,
                "send_campaign_email",
                [],
                {},
                {},
                0,
                5,
                timezone.now(),
                None,
            )
        )

    yield bind
    set_current_claim(None)


def send_quietly(email):
    try:
        send_email(email.pk)
    except (TransientError, AccountTrouble):
        pass
    email.refresh_from_db()
    return email.state


def test_a_mail_arrives_once_and_is_recorded_as_sent(server, make_email):
    email = make_email(port=server.port)

    result = send_email(email.pk)

    email.refresh_from_db()
    ((to, content),) = server.mails
    message = message_from_bytes(content, policy=default)
    assert result["state"] == email.state == "sent"
    assert to == email.address
    assert message["Message-ID"] == email.message_id == result["message_id"]
    assert message["Subject"] == email.subject == f"A new site for {email.lead.name}"
    assert email.detail == "250 kept"
    assert email.sent_at
    assert email.attempts == 1


@pytest.mark.parametrize(
    ("script", "state"),
    [({}, "sent"), ({"RCPT": "550 no"}, "failed"), ({"dot": DROP}, "in_doubt")],
)
def test_sending_again_sends_nothing(script, state, make_campaign, make_email):
    with MailServer(script) as server:
        campaign = make_campaign(port=server.port)
        make_email(campaign=campaign)  # Keeps the campaign running.
        email = make_email(campaign=campaign)
        send_email(email.pk)
        server.script.clear()

        assert send_email(email.pk)["state"] == state
        assert server.sessions == 1


def test_the_row_says_sending_before_the_socket_opens(make_email):
    seen = []
    server = MailServer(on={"greeting": lambda: seen.append("connected")})
    with server:
        email = make_email(port=server.port)
        claimed = claim(email.pk, task_id=None)
        assert claimed
        email.refresh_from_db()

        assert seen == []
        assert email.state == "sending"
        assert email.message_id == claimed.message_id
        assert email.data_started_at is None


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT"])
def test_a_connection_dropped_before_data_is_tried_again(step, make_email):
    with MailServer({step: DROP}) as server:
        email = make_email(port=server.port)

        with pytest.raises(TransientError):
            send_email(email.pk)
        email.refresh_from_db()
        assert email.state == "deferred"
        assert email.data_started_at is None

        server.script.clear()
        assert send_email(email.pk)["state"] == "sent"
        assert len(server.mails_to(email.address)) == 1


@pytest.mark.parametrize("step", ["greeting", "MAIL", "RCPT", "DATA", "dot"])
def test_a_4xx_answer_is_tried_again(step, make_email):
    with MailServer({step: "451 4.7.1 greylisted"}) as server:
        email = make_email(port=server.port)

        with pytest.raises(TransientError, match="greylisted"):
            send_email(email.pk)
        email.refresh_from_db()
        assert email.state == "deferred"
        assert server.mails == []

        server.script.clear()
        assert send_email(email.pk)["state"] == "sent"
        assert len(server.mails_to(email.address)) == 1


@pytest.mark.parametrize("step", ["RCPT", "DATA", "dot"])
def test_a_5xx_answer_about_the_mail_is_final(step, make_email):
    with MailServer({step: "550 5.1.1 no such user"}) as server:
        email = make_email(port=server.port)

        result = send_email(email.pk)

        assert result["state"] == "failed"
        assert "550 5.1.1 no such user" in result["detail"]
        server.script.clear()
        assert send_quietly(email) == "failed"
        assert server.mails == []


@pytest.mark.parametrize("step", ["DATA", "body", "dot"])
def test_a_connection_dropped_from_data_on_is_in_doubt_for_good(step, make_email):
    with MailServer({step: DROP}) as server:
        email = make_email(port=server.port)

        assert send_email(email.pk)["state"] == "in_doubt"
        arrived = len(server.mails)
        server.script.clear()

        assert send_quietly(email) == "in_doubt"
        assert len(server.mails) == arrived <= 1
        assert server.sessions == 1


@pytest.mark.parametrize(
    ("step", "state"),
    [("greeting", "deferred"), ("RCPT", "deferred"), ("dot", "in_doubt")],
)
def test_a_server_that_stalls_is_left_in_time(step, state, make_email, monkeypatch):
    quick = Timeouts(connect=0.2, command=0.2, content=0.2, total=2)
    monkeypatch.setattr(smtp, "TIMEOUTS", quick)
    with MailServer({step: STALL}) as server:
        email = make_email(port=server.port)

        assert send_quietly(email) == state


def test_a_server_that_trickles_is_left_when_the_total_is_over(make_email, monkeypatch):
    quick = Timeouts(connect=5, command=5, content=5, total=0.3)
    monkeypatch.setattr(smtp, "TIMEOUTS", quick)
    with MailServer({"dot": STALL}) as server:
        email = make_email(port=server.port)

        assert send_quietly(email) == "in_doubt"


def test_an_answer_that_is_no_answer_is_in_doubt(make_email):
    with MailServer({"dot": "x" * 10_000}) as server:
        email = make_email(port=server.port)

        assert send_email(email.pk)["state"] == "in_doubt"


def test_an_unreachable_server_defers_and_says_what_to_do(make_email):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    email = make_email(port=port)

    with pytest.raises(TransientError, match=f"Nothing listens at 127.0.0.1:{port}"):
        send_email(email.pk)

    email.refresh_from_db()
    assert email.state == "deferred"
    assert "start the mail server" in email.detail


def test_a_crash_before_data_is_tried_again_by_the_same_task(
    server, make_email, as_task
):
    task_id = uuid4()
    email = make_email(port=server.port)
    claim(email.pk, task_id=task_id)

    as_task(task_id)

    assert send_email(email.pk)["state"] == "sent"
    assert len(server.mails) == 1


def test_a_crash_after_data_began_is_in_doubt_for_the_same_task(
    server, make_email, as_task
):
    task_id = uuid4()
    email = make_email(port=server.port)
    claimed = claim(email.pk, task_id=task_id)
    assert claimed
    mark_data_started(Fence(email.pk, claimed.attempts))

    as_task(task_id)

    assert send_email(email.pk)["state"] == "in_doubt"
    assert server.sessions == 0


def test_another_task_leaves_a_mail_alone_that_is_being_sent(
    server, make_email, as_task
):
    email = make_email(port=server.port)
    claim(email.pk, task_id=uuid4())

    as_task(uuid4())

    assert send_email(email.pk)["state"] == "sending"
    assert server.sessions == 0


def test_another_task_takes_over_what_nobody_can_be_sending_any_more(
    server, make_email, as_task
):
    email = make_email(port=server.port)
    claim(email.pk, task_id=uuid4())
    Email.objects.update(claimed_at=timezone.now() - timedelta(minutes=6))

    as_task(uuid4())

    assert send_email(email.pk)["state"] == "sent"
    assert len(server.mails) == 1


def test_a_worker_that_slept_too_long_sends_nothing(server, make_email, monkeypatch):
    """It was taken for dead before DATA, and another attempt is under way."""
    email = make_email(port=server.port)
    usual = mark_data_started

    def wake_up_late(fence):
        Email.objects.update(attempts=2)
        usual(fence)

    monkeypatch.setattr(sending, "mark_data_started", wake_up_late)

    assert send_email(email.pk)["state"] == "sending"
    assert server.mails == []
    assert "DATA" not in server.commands


def test_an_attempt_taken_for_dead_still_reports_that_the_mail_arrived(
    server, make_email, monkeypatch
):
    email = make_email(port=server.port)
    usual = smtp.deliver

    def meanwhile_in_doubt(*args, **kwargs):
        outcome = usual(*args, **kwargs)
        Email.objects.update(state="in_doubt")
        return outcome

    monkeypatch.setattr(sending, "deliver", meanwhile_in_doubt)

    assert send_email(email.pk)["state"] == "sent"


def test_a_database_that_dies_after_the_mail_went_leaves_it_in_doubt(
    server, make_email, as_task, monkeypatch
):
    task_id = uuid4()
    email = make_email(port=server.port)
    as_task(task_id)

    def away(*_):
        raise OperationalError("server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(sending, "settle", away)
        with pytest.raises(OperationalError):
            send_email(email.pk)

    assert send_email(email.pk)["state"] == "in_doubt"
    assert len(server.mails) == 1


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
