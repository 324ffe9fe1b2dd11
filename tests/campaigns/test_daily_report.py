"""The daily report comes once a day to each address, and says what is true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from django.utils import timezone

from campaigns import daily_report, measuring
from campaigns.daily_report import send_daily_reports, write_and_send
from campaigns.models import DailyReport, Email
from fliptech_site.errors import InvalidInput, TransientError

pytestmark = pytest.mark.django_db(transaction=True)

YESTERDAY = datetime.combine(
    timezone.now().astimezone(UTC).date() - timedelta(days=1), datetime.min.time(), UTC
) + timedelta(hours=9)


@pytest.fixture(autouse=True)
def _wanted(settings):
    settings.DAILY_REPORT_TO = ["boss@agency.example"]
    settings.DAILY_REPORT_ACCOUNT = ""


def send(email):
    Email.objects.filter(pk=email.pk).update(
        state="sending", message_id=f"<{email.pk}@x>", claimed_at=YESTERDAY
    )
    Email.objects.filter(pk=email.pk).update(state="sent", sent_at=YESTERDAY)


def test_it_tells_yesterdays_figures_once(server, make_campaign, make_email, settings):
    settings.DAILY_REPORT_TO = ["boss@agency.example", "partner@agency.example"]
    campaign = make_campaign(port=server.port, name="Bakers & <b>friends</b>")
    for _ in range(2):
        send(make_email(campaign=campaign))

    first, again = write_and_send(), write_and_send()

    assert (first["reports"], again["reports"]) == (2, 0)
    assert sorted(to for to, _ in server.mails) == settings.DAILY_REPORT_TO
    mail = message_from_bytes(server.mails[0][1], policy=policy.default)
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    assert mail["Subject"] == f"2 mails sent on {YESTERDAY:%d %B %Y}"
    assert "Sent 2, failed 0, in doubt 0." in text
    assert "Bakers & <b>friends</b>: 2 sent, 0 opened" in text
    assert "Bakers &amp; &lt;b&gt;friends" in html
    assert "1 campaign running, 0 mails to be sent" in " ".join(html.split())
    assert "List-Unsubscribe" not in mail


def test_nobody_wants_it_and_nothing_is_done(settings):
    settings.DAILY_REPORT_TO = []

    assert send_daily_reports() == {"reports": 0}
    assert not DailyReport.objects.exists()


def test_a_server_that_says_later_is_asked_again(make_account):
    make_account(port=1)  # Nothing listens there.

    for _ in range(2):
        with pytest.raises(TransientError):
            send_daily_reports()

    report = DailyReport.objects.get()
    assert (report.sent_at, report.claimed_at, report.data_started_at) == (None,) * 3
    assert report.detail


def test_what_may_have_arrived_is_not_sent_again(server, make_account):
    make_account(server.port)
    day = YESTERDAY.date()
    DailyReport.objects.create(
        day=day, address="boss@agency.example",
        claimed_at=timezone.now() - timedelta(hours=1),
        data_started_at=timezone.now() - timedelta(hours=1),
    )  # fmt: skip

    assert send_daily_reports() == {"reports": 0}
    assert server.mails == []


def test_an_attempt_that_died_before_the_mail_is_made_again(server, make_account):
    make_account(server.port)
    report = DailyReport.objects.create(
        day=YESTERDAY.date(), address="boss@agency.example", claimed_at=timezone.now()
    )
    assert send_daily_reports() == {"reports": 0}

    report.claimed_at = timezone.now() - timedelta(hours=1)
    report.save()

    assert send_daily_reports() == {"reports": 1}


def test_an_attempt_that_was_taken_over_sends_nothing(
    server, make_account, monkeypatch
):
    account = make_account(server.port)
    compose = daily_report._compose

    def slow(*arguments):
        DailyReport.objects.update(claimed_at=timezone.now() + timedelta(seconds=1))
        return compose(*arguments)

    monkeypatch.setattr(daily_report, "_compose", slow)

    assert send_daily_reports() == {"reports": 0}
    assert server.mails == []
    assert account.is_enabled


def test_without_an_account_it_says_what_to_do(settings, make_account):
    make_account(is_enabled=False, name="off")
    with pytest.raises(InvalidInput, match="No account is switched on"):
        send_daily_reports()
    settings.DAILY_REPORT_ACCOUNT = "off"
    with pytest.raises(InvalidInput, match="correct DAILY_REPORT_ACCOUNT"):
        send_daily_reports()


def test_test_mode_keeps_it_on_this_machine(make_account, settings):
    settings.TEST_MODE = True
    make_account(25, smtp_host="192.0.2.1")

    with pytest.raises(TransientError, match="TEST_MODE is on"):
        send_daily_reports()


def test_a_day_without_mails_is_a_report_too():
    measuring.write_daily_figures()

    shown = daily_report.figures_of_day(YESTERDAY.date())

    assert shown["total"]["sent"] == 0
    assert shown["campaigns"] == []
