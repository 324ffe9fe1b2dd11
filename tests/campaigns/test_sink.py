"""The local sink is a real SMTP server whose inbox is rows."""

from __future__ import annotations

import smtplib

import pytest
from django.db import OperationalError

from campaigns import sink
from campaigns.models import SinkMessage
from campaigns.sending import send_email
from campaigns.writing import send_test
from fliptech_site.errors import InvalidInput

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def inbox():
    server = sink.sink_server("127.0.0.1", 0)
    server.start()
    yield server
    server.stop()


def test_a_campaign_mail_arrives_in_the_inbox_as_it_was_sent(inbox, make_email):
    email = make_email(port=inbox.port)

    assert send_email(email.pk)["state"] == "sent"

    email.refresh_from_db()
    message = SinkMessage.objects.get()
    assert message.to == email.address
    assert message.message_id == email.message_id
    assert message.subject == f"A new site for {email.lead.name}"
    assert message.from_header == "Ada of Brightside Web <ada@brightside.example>"
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in bytes(message.raw)


def test_a_mail_to_two_is_two_rows(inbox):
    with smtplib.SMTP("127.0.0.1", inbox.port) as client:
        client.sendmail(
            "a@x.example", ["b@x.example", "c@x.example"], "Subject: hi\n\nx"
        )

    assert list(SinkMessage.objects.order_by("to").values_list("to", flat=True)) == [
        "b@x.example", "c@x.example",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe nonsense",
        b"Subject: =?utf-8?b?////?=\r\n\r\nx",
        b"Subject: a\x00b",
    ],
)
def test_no_mail_is_too_broken_to_keep(raw, inbox):
    with smtplib.SMTP("127.0.0.1", inbox.port) as client:
        client.sendmail("a@x.example", ["b@x.example"], raw)

    assert SinkMessage.objects.count() == 1


def test_a_database_that_is_away_makes_the_sender_try_again(
    inbox, make_email, monkeypatch
):
    def away(*_):
        raise OperationalError("away")

    monkeypatch.setattr(sink, "keep", away)
    with (
        smtplib.SMTP("127.0.0.1", inbox.port) as client,
        pytest.raises(smtplib.SMTPDataError, match="451"),
    ):
        client.sendmail("a@x.example", ["b@x.example"], "Subject: hi\n\nx")


def test_a_test_mail_goes_to_the_sink_is_marked_and_counts_nowhere(
    inbox, make_campaign, make_lead, settings
):
    settings.MAIL_SINK = f"127.0.0.1:{inbox.port}"
    make_lead(name="Best", score=99)
    campaign = make_campaign(port=1, state="draft")

    result = send_test(campaign.pk, "me@agency.example", test_mode=True)

    message = SinkMessage.objects.get()
    assert result["state"] == "sent"
    assert (message.to, message.subject) == (
        "me@agency.example",
        "[Test] A new site for Best",
    )
    assert b"/m/o/" not in bytes(message.raw)
    assert campaign.emails.count() == 0
    with pytest.raises(InvalidInput, match="There is no campaign 0"):
        send_test(0, "me@agency.example", test_mode=True)
    with pytest.raises(InvalidInput, match="can be written to"):
        send_test(campaign.pk, "me at home", test_mode=True)
