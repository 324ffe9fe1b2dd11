"""Providers tell what became of mails: proved, once, in any order."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from campaigns.models import DeliveryEvent, Evidence, IncomingMessage, ProviderFeed
from leads.suppression import is_suppressed

pytestmark = pytest.mark.django_db
SECRET = "ada:s3cr3t"
KEY = "signing-key"


@pytest.fixture
def make_feed():
    def make(email, provider="postmark", secret=SECRET, **values):
        feed = ProviderFeed(account=email.account, provider=provider, **values)
        feed.secret = secret
        feed.save()
        return feed

    return make


def post(client, feed, payload, *, auth=SECRET):
    headers = {}
    if auth:
        coded = base64.b64encode(auth.encode()).decode()
        headers["Authorization"] = f"Basic {coded}"
    return client.post(
        feed.path, json.dumps(payload), content_type="application/json", headers=headers
    )


def postmark(email, record="Delivery", **values):
    return {
        "RecordType": record,
        "MessageID": email.message_id,
        "Recipient": email.address,
        "DeliveredAt": "2026-11-25T10:00:00Z",
        **values,
    }


def bounce(email, kind="HardBounce", said="smtp;550 5.1.1 User unknown"):
    return postmark(
        email, "Bounce", ID=42, Type=kind, Email=email.address, Details=said,
        BouncedAt="2026-11-25T10:00:00Z",
    )  # fmt: skip


def mailgun(email, key=KEY, **event):
    token, stamp = "t" * 50, "1795600000"
    signature = hmac.new(
        key.encode(), f"{stamp}{token}".encode(), hashlib.sha256
    ).hexdigest()
    return {
        "signature": {"token": token, "timestamp": stamp, "signature": signature},
        "event-data": {
            "event": "delivered",
            "id": "ev1",
            "timestamp": 1795600000.1,
            "recipient": email.address,
            "message": {"headers": {"message-id": email.message_id.strip("<>")}},
            **event,
        },
    }


class TestProof:
    @pytest.mark.parametrize("auth", ["", "ada:wrong", "other:s3cr3t"])
    def test_an_unsigned_post_is_refused_and_counted(
        self, auth, client, make_sent, make_feed
    ):
        email = make_sent()
        feed = make_feed(email)

        response = post(client, feed, bounce(email), auth=auth)

        feed.refresh_from_db()
        assert response.status_code == 403
        assert (feed.refused, feed.taken) == (1, 0)
        assert not DeliveryEvent.objects.exists()
        assert not is_suppressed(email.address)

    def test_a_wrong_signature_is_refused_and_counted(
        self, client, make_sent, make_feed
    ):
        email = make_sent()
        feed = make_feed(email, "mailgun", KEY)

        wrong = post(client, feed, mailgun(email, key="other"), auth="")
        broken = post(client, feed, {"signature": 3}, auth="")
        right = post(client, feed, mailgun(email), auth="")

        feed.refresh_from_db()
        assert [wrong.status_code, broken.status_code] == [403, 403]
        assert right.status_code == 200
        assert (feed.refused, feed.taken) == (2, 1)

    def test_a_signature_over_the_whole_body_is_checked(
        self, client, make_sent, make_feed
    ):
        email = make_sent()
        feed = make_feed(email, "mailtrap", KEY)
        event = {
            "event": "bounce", "event_id": "e1", "message_id": email.message_id,
            "email": email.address, "timestamp": 1795600000,
            "response": "550 5.1.1 User unknown", "response_code": 550,
        }  # fmt: skip
        body = json.dumps({"events": [event]}).encode()
        signature = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()

        def tell(content):
            return client.post(
                feed.path,
                content,
                content_type="application/json",
                headers={"Mailtrap-Signature": signature},
            ).status_code

        assert tell(body.replace(b"5.1.1", b"5.1.2")) == 403
        assert tell(body) == 200
        assert is_suppressed(email.address)

    @pytest.mark.parametrize("provider", ProviderFeed.Provider.values)
    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"Type": 1}', b"\xff"])
    def test_no_providers_feed_takes_or_breaks_at_what_is_not_signed(
        self, provider, body, client, make_sent, make_feed
    ):
        feed = make_feed(make_sent(), provider, "a" * 32)

        response = client.post(feed.path, body, content_type="application/json")

        feed.refresh_from_db()
        assert response.status_code == 403
        assert feed.refused == 1

    def test_a_feed_without_a_secret_takes_nothing(self, client, make_sent, make_feed):
        email = make_sent()

        response = post(client, make_feed(email, secret=""), bounce(email), auth="")

        assert response.status_code == 403

    def test_a_feed_that_is_off_or_unknown_is_not_there(
        self, client, make_sent, make_feed
    ):
        email = make_sent()
        feed = make_feed(email, is_enabled=False)

        assert post(client, feed, bounce(email)).status_code == 404

    def test_a_secret_is_kept_encrypted(self, make_sent, make_feed):
        assert SECRET not in make_feed(make_sent()).secret_sealed

    def test_what_is_signed_and_unreadable_is_said_so(
        self, client, make_sent, make_feed
    ):
        feed = make_feed(make_sent())

        assert post(client, feed, ["nothing"]).status_code == 400


def test_an_event_told_twice_counts_once(client, make_sent, make_feed):
    email = make_sent()
    feed = make_feed(email)

    first = post(client, feed, bounce(email))
    second = post(client, feed, bounce(email))

    assert (first.content, second.content) == (b"1", b"0")
    assert DeliveryEvent.objects.count() == 1


def test_a_hard_bounce_ends_writing_to_the_address(
    client, make_sent, make_email, make_feed
):
    email = make_sent()
    other = make_email(lead=email.lead)

    post(client, make_feed(email), bounce(email))

    email.refresh_from_db()
    other.refresh_from_db()
    event = DeliveryEvent.objects.get()
    assert (event.kind, event.status, event.reason) == (
        "hard",
        "5.1.1",
        "user_unknown",
    )
    assert is_suppressed(email.address)
    assert other.state == "skipped"
    assert email.bounced_at == datetime(2026, 11, 25, 10, tzinfo=UTC)
    assert email.state == "sent"


def test_a_refusal_for_policy_suppresses_nobody(client, make_sent, make_feed):
    email = make_sent()

    post(
        client,
        make_feed(email),
        bounce(email, "Blocked", "smtp;550 5.7.1 Blocked, see spamhaus"),
    )

    event = DeliveryEvent.objects.get()
    assert event.kind == "soft"
    assert not is_suppressed(email.address)


def test_a_complaint_ends_writing_to_the_address(client, make_sent, make_feed):
    email = make_sent()

    post(
        client,
        make_feed(email),
        postmark(
            email, "SpamComplaint", ID=7, Type="SpamComplaint", Email=email.address,
            BouncedAt="2026-11-25T10:00:00Z",
        ),
    )  # fmt: skip

    email.refresh_from_db()
    assert is_suppressed(email.address)
    assert email.complained_at is not None


def test_a_delivery_settles_a_mail_in_doubt_and_is_kept_as_evidence(
    client, make_sent, make_feed
):
    email = make_sent(state="in_doubt")

    post(client, make_feed(email), postmark(email))

    email.refresh_from_db()
    evidence = Evidence.objects.get()
    assert email.state == "sent"
    assert "the provider says that it was delivered" in email.detail
    assert (evidence.kind, evidence.arrived) == ("provider", True)


@pytest.mark.parametrize("is_bounce_first", [True, False])
def test_events_may_come_in_any_order(is_bounce_first, client, make_sent, make_feed):
    email = make_sent()
    feed = make_feed(email)
    payloads = [bounce(email), postmark(email)]

    for payload in payloads if is_bounce_first else reversed(payloads):
        assert post(client, feed, payload).status_code == 200

    email.refresh_from_db()
    assert email.state == "sent"
    assert email.bounced_at is not None
    assert is_suppressed(email.address)
    assert DeliveryEvent.objects.count() == 2


def test_an_event_of_no_mail_of_ours_has_no_effect(client, make_sent, make_feed):
    email = make_sent()
    stranger = bounce(email) | {"MessageID": "x", "Email": "victim@elsewhere.example"}

    post(client, make_feed(email), stranger)

    assert DeliveryEvent.objects.get().email is None
    assert not is_suppressed("victim@elsewhere.example")


def test_a_mail_that_comes_through_a_provider_is_an_answer_too(
    client, make_sent, make_feed, answer_to
):
    email = make_sent()
    feed = make_feed(email, "postmark", content="inbound")
    payload = {"MessageID": "in1", "RawEmail": answer_to(email).decode()}

    first = post(client, feed, payload)
    second = post(client, feed, payload)

    email.refresh_from_db()
    assert (first.content, second.content) == (b"1", b"0")
    assert email.replied_at is not None
    assert IncomingMessage.objects.get().kind == "reply"


def test_a_mail_whose_answer_was_lost_is_found_by_the_id_that_went_along(
    client, make_sent, make_feed
):
    email = make_sent()
    later = make_sent(address=email.address, account=email.account)
    feed = make_feed(email)
    told = bounce(email) | {
        "MessageID": "never-heard", "Metadata": {"message_id": email.message_id},
    }  # fmt: skip

    post(client, feed, told)

    assert DeliveryEvent.objects.get().email == email
    assert later.pk != email.pk
