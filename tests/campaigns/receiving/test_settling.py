"""A mail in doubt is settled by evidence, by a person, or by time; never sent again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from campaigns.models import DeliveryEvent, Email, Evidence
from campaigns.receiving.settling import settle_by_hand, settle_doubtful
from fliptech_site.errors import InvalidInput

pytestmark = pytest.mark.django_db


@pytest.fixture
def doubtful(make_sent):
    return make_sent(state="in_doubt")


def fate(email):
    email.refresh_from_db()
    return email.state, list(email.evidence.values_list("kind", "arrived"))


def test_without_evidence_nothing_happens(doubtful):
    assert settle_doubtful() == {"settled": 0, "looked_up": 0, "given_up": 0}
    assert fate(doubtful) == ("in_doubt", [])


@pytest.mark.parametrize(
    ("kind", "state", "evidence"),
    [
        ("accepted", "sent", ("provider", True)),
        ("delivered", "sent", ("provider", True)),
        ("delayed", "sent", ("provider", True)),
        ("complaint", "sent", ("complaint", True)),
        ("hard", "failed", ("bounce", False)),
        ("soft", "failed", ("bounce", False)),
        ("refused", "failed", ("provider", False)),
    ],
)
def test_what_was_told_before_anyone_doubted_is_found(kind, state, evidence, doubtful):
    DeliveryEvent.objects.create(
        account=doubtful.account, source="postmark", event_id="1", kind=kind,
        email=doubtful, address=doubtful.address, happened_at=timezone.now(),
    )  # fmt: skip

    assert settle_doubtful()["settled"] == 1
    assert fate(doubtful) == (state, [evidence])


def test_an_event_that_proves_nothing_settles_nothing(doubtful):
    DeliveryEvent.objects.create(
        account=doubtful.account, source="postmark", event_id="1", kind="other",
        email=doubtful, happened_at=timezone.now(),
    )  # fmt: skip

    assert settle_doubtful()["settled"] == 0


def test_a_copy_among_the_sent_mail_settles(imap, make_mailbox, doubtful):
    make_mailbox(imap.port, account=doubtful.account)
    raw = f"Message-ID: {doubtful.message_id}\r\n\r\nhello".encode()
    imap.folders["Gesendet"].add(raw)

    assert settle_doubtful() == {"settled": 1, "looked_up": 1, "given_up": 0}
    assert fate(doubtful) == ("sent", [("sent_folder", True)])
    assert "among the sent mail" in doubtful.detail


def test_no_copy_among_the_sent_mail_proves_nothing(imap, make_mailbox, doubtful):
    make_mailbox(imap.port, account=doubtful.account)

    settle_doubtful()
    settle_doubtful()

    assert fate(doubtful) == ("in_doubt", [("sent_folder", None)])


def test_a_mailbox_that_is_away_stops_nothing(make_mailbox, doubtful):
    make_mailbox(1, account=doubtful.account)

    assert settle_doubtful()["looked_up"] == 0
    assert fate(doubtful)[0] == "in_doubt"


def test_after_the_grace_period_it_is_taken_for_sent_and_shown(doubtful, settings):
    settings.IN_DOUBT_GRACE_HOURS = 5
    Email.objects.update(data_started_at=timezone.now() - timedelta(hours=6))

    assert settle_doubtful()["given_up"] == 1
    assert fate(doubtful) == ("sent", [("grace", None)])
    assert "nobody knew anything within 5 hours" in doubtful.detail


def test_a_bounce_in_the_mailbox_fails_a_mail_in_doubt(imap, make_mailbox, doubtful):
    from campaigns.receiving.reading import read_mailbox
    from tests.campaigns.incoming.letters import report

    raw = report(
        f"Final-Recipient: rfc822; {doubtful.address}\nAction: failed\n"
        "Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n"
    )
    imap.inbox.add(raw)
    read_mailbox(make_mailbox(imap.port, account=doubtful.account).pk)

    assert fate(doubtful) == ("failed", [("bounce", False)])


@pytest.mark.parametrize(("arrived", "state"), [(True, "sent"), (False, "failed")])
def test_a_persons_word_is_kept_with_the_reason(arrived, state, doubtful):
    user = User.objects.create(username="eva")

    settle_by_hand(doubtful.pk, arrived=arrived, reason=" they  rang ", user=user)

    evidence = Evidence.objects.get()
    assert fate(doubtful) == (state, [("hand", arrived)])
    assert (evidence.user, evidence.detail) == (user, "they rang")
    assert "eva says that it" in doubtful.detail


def test_a_word_without_a_reason_or_twice_is_refused(doubtful):
    user = User.objects.create(username="eva")

    with pytest.raises(InvalidInput, match="Say how you know"):
        settle_by_hand(doubtful.pk, arrived=True, reason=" ", user=user)
    settle_by_hand(doubtful.pk, arrived=True, reason="seen", user=user)
    with pytest.raises(InvalidInput, match="is not in doubt"):
        settle_by_hand(doubtful.pk, arrived=False, reason="seen", user=user)
    assert Evidence.objects.count() == 1
