"""Openings and clicks: people's count, machines' are kept apart, and neither fills a table."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaigns import links, tracking
from campaigns.behaviour import behaviour_of
from campaigns.measuring import figures_of
from campaigns.models import Email, Recipient, TrackingEvent
from campaigns.tracking import Asked, record
from campaigns.unsubscribing import Scope, unsubscribe
from leads.suppression import is_suppressed
from tests.campaigns.test_links import path_of

pytestmark = pytest.mark.django_db
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)
PERSON = Asked("GET", {"User-Agent": BROWSER}, "203.0.113.77")
SCANNER = Asked("GET", {"User-Agent": "Barracuda Sentinel"}, "198.51.100.7")
OPEN, CLICK = TrackingEvent.Kind.OPEN, TrackingEvent.Kind.CLICK


@pytest.fixture
def email(make_email):
    """A mail that was sent an hour ago."""
    at = timezone.now() - timedelta(hours=1)
    return make_email(
        state="sent", message_id="<1@x>", claimed_at=at, data_started_at=at, sent_at=at
    )


def seen():
    rows = TrackingEvent.objects.order_by("pk")
    return [(row.kind, row.is_human, row.hits) for row in rows]


class TestPeopleAndMachines:
    def test_a_persons_opening_counts(self, email):
        record(email.pk, OPEN, PERSON)

        assert seen() == [("open", True, 1)]
        assert figures_of([email.campaign_id])[email.campaign_id]["events"] == {
            "opened": 1
        }
        assert behaviour_of([email.recipient_id])[email.recipient_id].opened

    def test_a_machines_opening_counts_nowhere(self, email):
        record(email.pk, OPEN, SCANNER)
        record(email.pk, CLICK, SCANNER, url="https://x.example/")

        assert seen() == [("open", False, 1), ("click", False, 1)]
        assert figures_of([email.campaign_id])[email.campaign_id]["events"] == {
            "opened_by_machine": 1,
            "clicked_by_machine": 1,
        }
        behaviour = behaviour_of([email.recipient_id])[email.recipient_id]
        assert not behaviour.opened
        assert not behaviour.clicked

    def test_what_comes_from_a_network_of_the_settings_is_a_machine(
        self, email, settings
    ):
        settings.SCANNER_NETWORKS = [f"{PERSON.address}/32"]
        record(email.pk, OPEN, PERSON)
        assert seen() == [("open", False, 1)]

    def test_what_comes_right_after_sending_is_a_machine(self, email):
        Email.objects.update(sent_at=timezone.now() - timedelta(seconds=3))

        record(email.pk, OPEN, PERSON)
        record(email.pk, CLICK, PERSON, url="https://x.example/")

        assert not TrackingEvent.objects.filter(is_human=True).exists()

    def test_two_links_at_once_are_a_scanner_the_first_one_too(self, email):
        record(email.pk, CLICK, PERSON, url="https://x.example/1")
        assert seen() == [("click", True, 1)]

        record(email.pk, CLICK, PERSON, url="https://x.example/2")

        assert seen() == [("click", False, 1), ("click", False, 1)]

    def test_one_link_twice_is_a_person(self, email):
        for _ in range(2):
            record(email.pk, CLICK, PERSON, url="https://x.example/1")

        assert seen() == [("click", True, 2)]

    def test_two_links_in_a_minute_are_a_person(self, email):
        record(email.pk, CLICK, PERSON, url="https://x.example/1")
        TrackingEvent.objects.update(last_at=timezone.now() - timedelta(minutes=1))

        record(email.pk, CLICK, PERSON, url="https://x.example/2")

        assert seen() == [("click", True, 1), ("click", True, 1)]

    def test_the_hidden_link_gives_away_what_came_with_it(self, email, client):
        record(email.pk, OPEN, PERSON)
        record(email.pk, CLICK, PERSON, url="https://x.example/1")

        response = client.get(path_of(links.trap_url(email.pk)))
        record(email.pk, CLICK, PERSON, url="https://x.example/1")

        assert response.status_code == 204
        assert not TrackingEvent.objects.filter(is_human=True).exists()
        assert TrackingEvent.objects.get(kind="click").hits == 2

    def test_yesterdays_click_is_not_taken_back(self, email):
        record(email.pk, CLICK, PERSON, url="https://x.example/1")
        TrackingEvent.objects.update(created_at=timezone.now() - timedelta(days=1))

        record(email.pk, TrackingEvent.Kind.TRAP, SCANNER)

        assert TrackingEvent.objects.get(kind="click").is_human

    def test_what_is_taken_back_joins_what_is_known_of_the_machine(self, email):
        url = "https://x.example/1"
        record(email.pk, CLICK, SCANNER, url=url)
        TrackingEvent.objects.update(last_at=timezone.now() - timedelta(minutes=9))
        record(email.pk, CLICK, PERSON, url=url)

        record(email.pk, TrackingEvent.Kind.TRAP, SCANNER)

        assert not TrackingEvent.objects.filter(is_human=True).exists()
        assert TrackingEvent.objects.filter(kind="click").count() == 1

    def test_a_head_request_follows_a_link_and_is_no_click(self, email, client):
        url = path_of(links.click_url(email.pk, "https://x.example/"))

        response = client.head(url, headers={"User-Agent": BROWSER})

        assert response.status_code == 302
        assert seen() == [("click", False, 1)]


class TestStorage:
    def test_a_scanner_that_asks_forever_makes_one_row(self, email, monkeypatch):
        monkeypatch.setattr(tracking, "MAX_HITS", 3)

        for _ in range(9):
            record(email.pk, OPEN, PERSON)

        assert seen() == [("open", True, 3)]

    def test_after_the_limit_nothing_is_written(
        self, email, monkeypatch, django_assert_num_queries
    ):
        monkeypatch.setattr(tracking, "MAX_HITS", 1)
        record(email.pk, OPEN, PERSON)

        with django_assert_num_queries(1):
            record(email.pk, OPEN, PERSON)

    def test_no_address_of_a_person_is_kept(self, email):
        record(email.pk, OPEN, PERSON)
        record(
            email.pk, CLICK, PERSON._replace(address="2001:db8:1:2::9"), url="https://x"
        )

        kept = list(
            TrackingEvent.objects.order_by("pk").values_list("network", flat=True)
        )
        assert kept == ["203.0.113.0/24", "2001:db8:1::/48"]

    def test_text_that_the_database_can_not_hold_is_left_out(self, email):
        record(email.pk, OPEN, Asked("GET", {"User-Agent": BROWSER + "\x00"}, "x"))

        assert TrackingEvent.objects.get().user_agent == BROWSER

    @pytest.mark.parametrize("values", [{"kind": "test", "campaign": None}])
    def test_an_event_of_no_mail_or_a_test_mail_is_not_kept(self, values, email):
        Email.objects.update(**values)

        record(email.pk, OPEN, PERSON)
        record(4711, OPEN, PERSON)

        assert not TrackingEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_hits_at_the_same_moment_are_judged_one_after_the_other(email, monkeypatch):
    """Two links at once: whoever comes second sees the first and takes it back."""
    meeting = threading.Barrier(2)
    judge, met = tracking._judge, []

    def judge_slowly(*arguments):
        try:
            meeting.wait(0.5)
            met.append(True)
        except threading.BrokenBarrierError:
            pass  # The other one waits for us, as it should.
        return judge(*arguments)

    monkeypatch.setattr(tracking, "_judge", judge_slowly)

    def ask(number):
        try:
            record(email.pk, CLICK, PERSON, url=f"https://x.example/{number}")
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not met
    assert seen() == [("click", False, 1), ("click", False, 1)]


class TestDoubt:
    @pytest.fixture
    def doubtful(self, email):
        email = Email.objects.select_related("recipient").get(pk=email.pk)
        Email.objects.create(
            campaign=None, kind="single", account=email.account, template=email.template,
            address="x@y.example", state="in_doubt", message_id="<2@x>",
            claimed_at=email.claimed_at, data_started_at=email.data_started_at,
        )  # fmt: skip
        return Email.objects.get(state="in_doubt")

    @pytest.mark.parametrize("kind", [OPEN, CLICK, TrackingEvent.Kind.UNSUBSCRIBE])
    def test_what_a_person_does_settles_a_mail_in_doubt(self, kind, doubtful):
        record(doubtful.pk, kind, PERSON, url="https://x" if kind == CLICK else "")

        doubtful.refresh_from_db()
        evidence = doubtful.evidence.get()
        assert (doubtful.state, doubtful.sent_at) == ("sent", doubtful.data_started_at)
        assert (evidence.kind, evidence.arrived) == (kind.value, True)

    def test_what_a_machine_does_settles_nothing(self, doubtful):
        record(doubtful.pk, OPEN, SCANNER)

        doubtful.refresh_from_db()
        assert doubtful.state == "in_doubt"


class TestUnsubscribing:
    def test_the_page_offers_the_series_or_everything(self, email, client):
        page = client.get(path_of(links.unsubscribe_url(email.pk))).content.decode()

        assert 'value="all"' in page
        assert 'value="campaign"' in page

    def test_the_series_alone_stops_only_that(self, email, client, make_email):
        other = make_email(lead=email.lead)

        response = Client(enforce_csrf_checks=True).post(
            path_of(links.unsubscribe_url(email.pk)), {"scope": "campaign"}
        )

        other.refresh_from_db()
        stopped = Recipient.objects.get(pk=email.recipient_id)
        assert "This series has stopped" in response.content.decode()
        assert stopped.stop_reason == "unsubscribed"
        assert other.state == "waiting"
        assert not is_suppressed(email.address)

    def test_a_mail_of_no_campaign_knows_no_smaller_scope(self, email):
        Email.objects.update(kind="single", campaign=None, recipient=None)

        assert unsubscribe(email.pk, scope=Scope.CAMPAIGN)
        assert is_suppressed(email.address)


def test_a_click_leads_nowhere_but_to_web_addresses(client, email):
    from django.core.signing import dumps

    for target in (
        "javascript:alert(1)",
        "//evil.example",
        "data:text/html,x",
        "https:",
    ):
        token = dumps([email.pk, target], salt="campaigns.click", compress=True)
        assert client.get(f"/m/c/{token}/").status_code == 404


def test_behind_a_proxy_of_ours_the_client_is_the_one_that_it_saw(
    client, email, settings
):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    url = path_of(links.pixel_url(email.pk))

    client.get(
        url, headers={"User-Agent": BROWSER, "X-Forwarded-For": "1.2.3.4, 203.0.113.5"}
    )

    assert TrackingEvent.objects.get().network == "203.0.113.0/24"
