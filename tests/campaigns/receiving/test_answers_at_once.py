"""A person's answer goes at once: limits on cold mail hold cold mail, and count the answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns import launching, retrying
from campaigns.account_days import today_of
from campaigns.explaining import explain
from campaigns.lanes import line_of
from campaigns.models import Account, Campaign, Email, SendingLimit
from campaigns.sending import send_email
from campaigns.writing import enqueue_single, send_test, write_single
from fliptech_site.errors import RateLimited
from leads.suppression import suppress
from tasks.enqueueing import enqueue
from tasks.limits import hold_until
from tasks.models import Queue, Task
from tests.campaigns.receiving.test_conversations import answer, url_of
from tests.tasks.conftest import rabbitmq, wait_until

__all__ = ["rabbitmq", "wait_until"]

pytestmark = pytest.mark.django_db


def used_up(**values):
    return lambda: Account.objects.update(**values)


def shared(scope, **values):
    return lambda: SendingLimit.objects.create(scope=scope, name="*", **values)


def at_night():
    """Let the account work in an hour that is far from now."""
    hour = (timezone.now().hour + 12) % 24
    Account.objects.update(
        time_zone="UTC", work_from=time(hour), work_until=time(hour, 9)
    )


def by_a_guard():
    launching.pause(Campaign.objects.get().pk, reason="Paused by itself. Bounces.")


COLD_LIMITS = {
    "its day is used up": used_up(daily_cap=1),
    "it makes a slow start": used_up(
        ramp_up_from=timezone.now().date(), ramp_up_start=1, ramp_up_step=0
    ),
    "its gap is not over": used_up(min_gap_seconds=600),
    "it is out of its working hours": at_night,
    "a guard paused its campaign": by_a_guard,
    "the domain has its mails of the minute": shared("domain", per_minute=1),
    "the domain has its mails of the day": shared("domain", per_day=1),
}


@pytest.fixture
def cold(talk, make_email, make_lead):
    """Mails of the conversation's campaign to the same domain: one that goes, one waits."""
    campaign = Campaign.objects.get()
    leads = [
        make_lead(email=f"{name}@{talk.address.partition('@')[2]}") for name in "ab"
    ]
    return [make_email(campaign=campaign, lead=lead) for lead in leads]


def written(client, talk, text="From 900 euros.", key="k1"):
    answer(client, talk, text, key)
    return Email.objects.filter(kind="single").latest("pk")


def is_held(email):
    try:
        send_email(email.pk)
    except RateLimited:
        pass
    email.refresh_from_db()
    return email.state == "waiting"


@pytest.mark.parametrize("name", COLD_LIMITS)
def test_no_limit_on_cold_mail_holds_it(name, admin, talk, cold, server):
    COLD_LIMITS[name]()
    is_held(cold[0])  # It uses up what there is, if there is something.
    assert is_held(cold[1])

    for number in range(3):
        email = written(admin, talk, key=f"k{number}")
        assert send_email(email.pk)["state"] == "sent"

    assert is_held(cold[1])
    assert len(server.mails_to(talk.address)) == 3
    assert server.mails_to(cold[1].address) == []


def test_it_counts_on_the_day_of_its_account_and_of_the_domain(
    admin, talk, cold, server
):
    Account.objects.update(daily_cap=2)
    SendingLimit.objects.create(scope="domain", name="*", per_day=2)
    before = today_of(talk.account, timezone.now()).sent
    send_email(written(admin, talk).pk)
    send_email(cold[0].pk)

    assert is_held(cold[1])
    assert "has used up its 2 mails of" in cold[1].detail
    Account.objects.update(daily_cap=None)
    assert is_held(cold[1])
    assert "domain of the recipient" in cold[1].detail
    assert today_of(talk.account, timezone.now()).sent == before + 2


def test_a_mail_after_it_keeps_the_gap(admin, talk, cold, server):
    Account.objects.update(min_gap_seconds=600)
    for number in range(3):
        send_email(written(admin, talk, key=f"k{number}").pk)

    with pytest.raises(RateLimited) as refused:
        send_email(cold[0].pk)
    # From the last of them on, not three gaps.
    assert 500 < refused.value.retry_after <= 601


@pytest.mark.parametrize(
    ("limit", "says", "most"),
    [
        (used_up(per_minute=1), "has used up its 1 mails a minute", 61),
        (shared("provider", per_minute=1), "1 mails a minute is used up", 61),
        (shared("provider", per_day=1), "1 mails a day is used up", 86_400),
    ],
)
def test_what_its_way_out_can_take_holds_it_and_is_named(
    limit, says, most, admin, talk, cold, server
):
    limit()
    send_email(cold[0].pk)
    assert is_held(cold[1])
    email = written(admin, talk)

    with pytest.raises(RateLimited) as refused:
        send_email(email.pk)

    # As soon as the limit is free, not behind the cold mail that was refused before.
    assert refused.value.retry_after <= most
    page = admin.get(url_of("change", talk.pk)).content.decode()
    assert says in page
    assert len(server.mails) == 1


def test_a_refusal_after_the_answer_was_written_still_stops_it(admin, talk, server):
    email = written(admin, talk)
    suppress(talk.address, reason="asked")

    assert send_email(email.pk)["state"] == "skipped"
    assert server.mails == []


def test_test_mode_keeps_it_on_this_machine(admin, talk, settings):
    settings.TEST_MODE = True
    Account.objects.update(smtp_host="192.0.2.1")
    response = answer(admin, talk)

    assert response.status_code == 422
    assert "is not on this machine" in response.content.decode()
    assert not Email.objects.filter(kind="single").exists()


def test_an_account_that_is_switched_off_sends_nothing_and_says_so(admin, talk):
    waiting = written(admin, talk)
    Account.objects.update(is_enabled=False)
    sentence = f"The account {talk.account} is switched off: switch it on."

    assert sentence in answer(admin, talk, key="k2").content.decode()
    assert Email.objects.filter(kind="single").count() == 1
    with pytest.raises(Exception, match=r"is switched off: switch it on\.$"):
        send_email(waiting.pk)
    assert sentence in admin.get(url_of("change", talk.pk)).content.decode()
    mails = admin.get(reverse("admin:campaigns_email_changelist")).content.decode()
    assert sentence in mails


def test_its_page_says_that_it_goes_at_any_hour_and_where_its_task_is(admin, talk):
    at_night()
    email = written(admin, talk)

    page = admin.get(url_of("change", talk.pk)).content.decode()
    assert "goes as soon as a worker takes it, at any hour" in page
    assert "Its task is queued" in page
    assert "works again" not in page
    Queue.objects.update_or_create(name="email", defaults={"is_paused": True})
    page = admin.get(url_of("change", talk.pk)).content.decode()
    assert "The queue email is paused: resume it." in page
    assert "at the account&#x27;s pace" not in explain(email, None)


def test_it_overtakes_cold_mail_in_the_queue(admin, talk, make_lead, make_template):
    email = written(admin, talk)
    single = write_single(make_lead(), make_template(), talk.account)
    enqueue_single(single)

    first, second = Task.objects.filter(actor="send_single_email").order_by("pk")
    assert (first.priority, second.priority) == (10, 5)
    email.refresh_from_db()
    assert email.task_id == first.pk


def test_the_sweep_lines_it_up_behind_nobody(admin, talk, make_lead, make_template):
    email = written(admin, talk)
    single = write_single(make_lead(), make_template(), talk.account)
    Task.objects.all().delete()
    hold_until(line_of(talk.account_id), timezone.now() + timedelta(days=3))

    assert retrying.retry_failed()["retried"] == 2

    email.refresh_from_db()
    single.refresh_from_db()
    soon = timezone.now() + timedelta(seconds=5)
    assert Task.objects.get(pk=email.task_id).run_at < soon
    assert Task.objects.get(pk=email.task_id).priority == 10
    assert Task.objects.get(pk=single.task_id).run_at > soon


@pytest.fixture
def connected(settings, make_campaign, server):
    """A campaign whose account's day, gap and minute are used up, and the sink."""
    settings.MAIL_SINK = f"127.0.0.1:{server.port}"
    campaign = make_campaign(port=server.port)
    Account.objects.update(daily_cap=1, min_gap_seconds=600)
    SendingLimit.objects.create(scope="domain", name="*", per_minute=1)
    return campaign


@pytest.mark.parametrize("to_sink", [True, False])
def test_a_mail_to_oneself_waits_for_no_gap(to_sink, connected, make_lead, server):
    make_lead()
    for _ in range(3):
        sent = send_test(connected.pk, "me@brightside.example", test_mode=to_sink)
        assert sent["state"] == "sent"
    assert len(server.mails) == 3
    assert today_of(connected.account, timezone.now()).sent == 0


def test_a_mail_to_oneself_keeps_to_the_servers_pace_and_not_in_the_sink(
    connected, make_lead, server
):
    make_lead()
    Account.objects.update(per_minute=1)
    me = "me@brightside.example"
    send_test(connected.pk, me, test_mode=False)

    with pytest.raises(RateLimited, match="1 mails a minute"):
        send_test(connected.pk, me, test_mode=False)
    assert send_test(connected.pk, me, test_mode=True)["state"] == "sent"


@pytest.mark.django_db(transaction=True)
def test_two_presses_send_one_mail_through_a_worker_while_cold_mail_waits(
    admin, talk, cold, server, rabbitmq, start_process, wait_until
):
    Account.objects.update(daily_cap=1, min_gap_seconds=600)
    COLD_LIMITS["it makes a slow start"]()
    send_email(cold[0].pk)
    at_night()
    enqueue("send_campaign_emails", campaign_id=cold[1].campaign_id)
    start_process("worker", "--queues=email,default", "--threads=4")

    def press(_):
        browser = Client()
        browser.cookies = admin.cookies
        try:
            return answer(browser, talk).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(press, range(4))) == [302] * 4
    enqueue_single(Email.objects.get(kind="single"))

    wait_until(lambda: server.mails_to(talk.address), 40)
    tasks = Task.objects.filter(queue="email")
    wait_until(lambda: "waits" in Email.objects.get(pk=cold[1].pk).detail, 40)
    wait_until(lambda: not tasks.filter(state__in=["queued", "running"]).exists(), 40)
    assert len(server.mails_to(talk.address)) == 1
    assert Email.objects.get(kind="single").attempts == 1
    assert Email.objects.get(pk=cold[1].pk).state == "waiting"
    assert len(server.mails) == 2
