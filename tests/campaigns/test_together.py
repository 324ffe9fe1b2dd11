"""Mails that go together: one connection, few commits, and the same promises as one."""

from __future__ import annotations

from email import message_from_bytes
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import attempting, batches, launching
from campaigns.connections import connections
from campaigns.models import Account, Email, Step
from campaigns.sending import send_together
from fliptech_site.errors import InvalidInput, RateLimited, TransientError
from leads.suppression import suppress
from tasks.current import set_current_claim
from tasks.models import Task
from tests.campaigns.mail_server import DROP, MailServer
from tests.campaigns.test_sending import as_task  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _none_left():
    yield
    connections.close_all()


@pytest.fixture
def window(make_account, make_campaign, make_email):
    """Some mails of one campaign, as one task has them."""

    def make(port, count=4, **values):
        account = make_account(port, window=50, **values)
        campaign = make_campaign(account=account)
        return [make_email(campaign=campaign) for _ in range(count)]

    return make


def ids(emails):
    return [email.pk for email in emails]


def states(emails):
    rows = dict(Email.objects.filter(pk__in=ids(emails)).values_list("pk", "state"))
    return [rows[email.pk] for email in emails]


def when_begun(count, act):
    """Do something when so many mails have been begun."""
    begun = []

    def step():
        begun.append(True)
        if len(begun) == count:
            act()

    return step


def test_they_go_over_one_connection_and_are_recorded_together(
    server, window, django_assert_max_num_queries
):
    emails = window(server.port, 20)

    # None of them grows with the mails but the demo's address in each one's text.
    with django_assert_max_num_queries(30 + 2 * len(emails)):
        assert send_together(ids(emails)) == {"sent": 20}

    assert server.sessions == 1
    assert {to for to, _ in server.mails} == {email.address for email in emails}
    assert len({row.message_id for row in Email.objects.all()}) == 20
    assert all(Email.objects.values_list("subject", flat=True))


def test_follow_ups_that_go_together_ask_for_their_threads_once(
    server, window, make_template, django_assert_max_num_queries
):
    first = window(server.port, 12)
    campaign = first[0].campaign
    Step.objects.create(campaign=campaign, number=2, template=make_template())
    send_together(ids(first))
    second = [
        Email.objects.create(
            campaign=campaign, recipient=email.recipient, lead=email.lead, step=2,
            account=email.account, template=email.template, address=email.address,
        )
        for email in first
    ]  # fmt: skip
    server.mails.clear()

    with django_assert_max_num_queries(40):
        assert send_together(ids(second)) == {"sent": 12}

    answered = {
        to: message_from_bytes(content)["In-Reply-To"] for to, content in server.mails
    }
    assert answered == dict(
        Email.objects.filter(step=1).values_list("address", "message_id")
    )


def test_all_are_marked_before_the_first_is_begun(window):
    seen = []
    server = MailServer()
    with server:
        emails = window(server.port)
        # Within the test's own transaction, where a thread of the server can't look.
        usual = attempting._deliver_one

        def look(*args, **kwargs):
            seen.append(list(Email.objects.values_list("data_started_at", flat=True)))
            return usual(*args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(attempting, "_deliver_one", look)
            send_together(ids(emails))

    assert None not in seen[0]


def test_a_crash_leaves_no_more_in_doubt_than_went_together(
    server,
    window,
    monkeypatch,
    as_task,  # noqa: F811
):
    emails = window(server.port)
    as_task(uuid4())
    usual = attempting._deliver_one

    def die(transport, letter, **options):
        if letter.email.pk == emails[2].pk:
            raise SystemExit
        return usual(transport, letter, **options)

    with monkeypatch.context() as patch:
        patch.setattr(attempting, "_deliver_one", die)
        with pytest.raises(SystemExit):
            send_together(ids(emails))

    assert send_together(ids(emails)) == {"in_doubt": 4}
    assert len(server.mails) == 2


def test_a_connection_that_breaks_after_data_leaves_one_in_doubt(window):
    with MailServer() as server:
        emails = window(server.port)
        begun = when_begun(2, lambda: server.script.update(dot=DROP))
        server.on["DATA"] = begun
        server.on["greeting"] = server.script.clear

        assert send_together(ids(emails)) == {"sent": 3, "in_doubt": 1}

    assert states(emails) == ["sent", "in_doubt", "sent", "sent"]
    assert server.sessions == 2


def test_one_refused_recipient_harms_no_other(window):
    with MailServer() as server:
        emails = window(server.port)
        server.on["RCPT"] = when_begun(
            2, lambda: server.script.update(RCPT="550 5.1.1 no such user")
        )
        server.on["DATA"] = server.script.clear
        server.on["RSET"] = server.script.clear

        assert send_together(ids(emails)) == {"sent": 3, "failed": 1}

    assert states(emails)[1] == "failed"


def test_who_may_not_be_written_to_is_left_out(server, window):
    emails = window(server.port)
    suppress(emails[1].address, reason="asked")

    assert send_together(ids(emails)) == {"sent": 3, "skipped": 1}
    assert states(emails)[1] == "skipped"


@pytest.mark.parametrize(
    ("stop", "rest"), [(launching.pause, "deferred"), (launching.cancel, "skipped")]
)
@pytest.mark.parametrize("at_once", [1, attempting.MOST_BYTES])
def test_pausing_and_cancelling_reach_mails_that_go_together(
    stop, rest, at_once, window, monkeypatch
):
    monkeypatch.setattr(attempting, "LOOK_SECONDS", -1.0)
    monkeypatch.setattr(attempting, "MOST_BYTES", at_once)
    with MailServer() as server:
        emails = window(server.port, daily_cap=5)
        usual = attempting._deliver_one
        campaign_id = emails[0].campaign_id

        def stop_after_one(*args, **options):
            outcome = usual(*args, **options)
            stop(campaign_id)
            return outcome

        with monkeypatch.context() as patch:
            patch.setattr(attempting, "_deliver_one", stop_after_one)
            send_together(ids(emails))

        assert states(emails) == ["sent", rest, rest, rest]
        attempts = Email.objects.filter(state=rest).values_list("attempts", flat=True)
        assert set(attempts) == {0}
        if at_once == 1:  # Those were not even composed.
            assert not Email.objects.filter(state=rest, words_hash__isnull=False)
        if stop is launching.pause:
            launching.resume(campaign_id)
            # Nothing was burned: the cap of five still has room for these.
            assert send_together(ids(emails)) == {"sent": 4}


def test_what_takes_too_long_goes_on_in_another_run(server, window, monkeypatch):
    emails = window(server.port)
    with monkeypatch.context() as patch:
        patch.setattr(attempting, "MOST_SECONDS", -1.0)
        with pytest.raises(RateLimited, match="goes on"):
            send_together(ids(emails))

    assert states(emails) == ["sent", "deferred", "deferred", "deferred"]
    assert send_together(ids(emails)) == {"sent": 4}
    assert len(server.mails) == 4


def test_a_server_that_says_not_now_twice_is_left_in_peace(window):
    with MailServer({"RCPT": "451 4.7.1 greylisted"}) as server:
        emails = window(server.port)
        with pytest.raises(TransientError, match="greylisted"):
            send_together(ids(emails))

        asked = [line for line in server.commands if line.startswith("RCPT")]
        assert len(asked) == 2
        assert set(states(emails)) == {"deferred"}
        tried = Email.objects.order_by("pk").values_list("attempts", flat=True)
        assert list(tried) == [1, 1, 0, 0]


def test_limits_let_a_part_go_and_the_rest_waits(server, window):
    emails = window(server.port, daily_cap=3)

    with pytest.raises(RateLimited, match="has used up its 3 mails"):
        send_together(ids(emails))

    assert states(emails) == ["sent", "sent", "sent", "waiting"]


@pytest.mark.parametrize(
    ("most", "value"), [("MOST_BYTES", 1), ("COMPOSING_SECONDS", 0.0001)]
)
def test_mails_are_composed_in_portions_that_fit_into_memory_and_time(
    server, window, monkeypatch, most, value
):
    monkeypatch.setattr(attempting, most, value)
    emails = window(server.port)

    with CaptureQueriesContext(connection) as asked:
        assert send_together(ids(emails)) == {"sent": 4}
    marked = [query for query in asked if "data_started_at = clock" in query["sql"]]
    # Each portion when it begins, not all of them at once.
    assert len(marked) > 1


def test_mails_of_two_campaigns_do_not_go_together(server, window):
    one, two = window(server.port, 1), window(server.port, 1)

    with pytest.raises(InvalidInput, match="one campaign"):
        send_together(ids(one + two))


def test_a_task_gets_as_many_mails_as_the_account_lets_go_together(window):
    emails = window(25, 45)
    Account.objects.update(window=20, per_minute=60_000)

    batches.plan(ids(emails))

    tasks = Task.objects.filter(actor="send_campaign_emails_together").order_by("pk")
    assert [len(task.kwargs["email_ids"]) for task in tasks] == [20, 20, 5]
    assert {pk for task in tasks for pk in task.kwargs["email_ids"]} == set(ids(emails))
    assert batches.plan(ids(emails)) == {"planned": 0}


def test_a_slow_account_sends_one_by_one_whatever_its_window_is(window):
    emails = window(25, 3, per_minute=50)

    batches.plan(ids(emails))

    assert Task.objects.filter(actor="send_campaign_email").count() == 3
    set_current_claim(None)
