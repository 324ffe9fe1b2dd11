"""Real SMTP on loopback: at most one mail per recipient, whatever fails where."""

from __future__ import annotations

import socket
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from campaigns import attempting, servers, smtp
from campaigns.claiming import claim
from campaigns.fates import AccountTrouble
from campaigns.models import Email
from campaigns.recording import Fence, Words, mark_data_started
from campaigns.sending import send_email
from campaigns.servers import Timeouts
from fliptech_site.errors import TransientError
from tasks.current import Claim, set_current_claim
from tests.campaigns.mail_server import DROP, STALL, MailServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_task():
    """Run as the task of this id, as a worker does."""

    def bind(task_id):
        set_current_claim(
            Claim(
                task_id=task_id,
                attempt=1,
                actor="send_campaign_email",
                queue="email",
                priority=5,
                args=[],
                kwargs={},
                options={},
                failures=0,
                max_attempts=5,
                root_id=None,
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
    monkeypatch.setattr(servers, "TIMEOUTS", quick)
    with MailServer({step: STALL}) as server:
        email = make_email(port=server.port)

        assert send_quietly(email) == state


def test_a_server_that_trickles_is_left_when_the_total_is_over(make_email, monkeypatch):
    quick = Timeouts(connect=5, command=5, content=5, total=0.3)
    monkeypatch.setattr(servers, "TIMEOUTS", quick)
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
    mark_data_started({Fence(email.pk, claimed.attempts): Words("")})

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

    def wake_up_late(subjects):
        Email.objects.update(attempts=2)
        return usual(subjects)

    monkeypatch.setattr(attempting, "mark_data_started", wake_up_late)

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

    monkeypatch.setattr(smtp, "deliver", meanwhile_in_doubt)

    assert send_email(email.pk)["state"] == "sent"


def test_a_database_that_dies_after_the_mail_went_leaves_it_in_doubt(
    server, make_email, as_task, monkeypatch
):
    task_id = uuid4()
    email = make_email(port=server.port)
    as_task(task_id)

    def away(*_, **__):
        raise OperationalError("server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(attempting, "settle_together", away)
        with pytest.raises(OperationalError):
            send_email(email.pk)

    assert send_email(email.pk)["state"] == "in_doubt"
    assert len(server.mails) == 1
