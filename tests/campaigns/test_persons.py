"""A person asks what is known, and to be forgotten: in every room, and for good."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from campaigns.models import (
    Conversation,
    DeliveryEvent,
    Email,
    Evidence,
    IncomingMessage,
    Recipient,
    SinkMessage,
    TrackingEvent,
    WrittenAnswer,
)
from demos.models import DemoSite
from fliptech_site.errors import TransientError
from leads.bulk_storing import store_records
from leads.merging import store_record
from leads.models import Lead, LeadFact, LeadKey, LeadMerge, Suppression
from leads.person_requests import erase_all, export_all
from leads.records import LeadRecord
from leads.suppression import is_suppressed

pytestmark = pytest.mark.django_db
ADDRESS = "anna@rosas.example"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def record(url="https://rosas.example", **values):
    said = {"name": "Anna Schmidt Bakery", "phone": "+17075550123", "email": ADDRESS}
    return LeadRecord(said | values, "website", url, NOW)


@pytest.fixture
def anna() -> Lead:
    return Lead.objects.get(pk=store_record(record()).lead_id)


def mail(campaign, lead: Lead, **values) -> Email:
    return Email.objects.create(
        campaign=campaign,
        account=campaign.account,
        template=campaign.template,
        lead=lead,
        address=ADDRESS,
        **values,
    )


def traces() -> str:
    """Everything that the tables of leads and campaigns hold, as text."""
    models = (
        Lead,
        LeadFact,
        LeadKey,
        LeadMerge,
        Email,
        Recipient,
        SinkMessage,
        DemoSite,
        Conversation,
        DeliveryEvent,
        Evidence,
        IncomingMessage,
        TrackingEvent,
        WrittenAnswer,
    )
    return json.dumps(
        [list(model.objects.values()) for model in models], default=repr
    ).lower()


def test_everything_that_is_known_is_given_with_its_sources(anna, make_campaign):
    mail(make_campaign(), anna, subject="Your demo")
    found = export_all("Anna@Rosas.Example")
    (lead,) = found["leads"]
    assert (lead["name"], lead["email"]) == ("Anna Schmidt Bakery", ADDRESS)
    assert {"field": "email", "value": ADDRESS}.items() <= next(
        each for each in lead["sources"] if each["field"] == "email"
    ).items()
    assert found["emails"][0]["subject"] == "Your demo"


def test_an_erased_person_is_in_no_table_and_stays_refused(anna, make_campaign):
    campaign = make_campaign()
    recipient = Recipient.objects.create(
        campaign=campaign, lead=anna, address=ADDRESS, state="included"
    )
    email = mail(campaign, anna, recipient=recipient, subject="Anna Schmidt, a demo")
    SinkMessage.objects.create(to=ADDRESS, raw=b"Dear Anna Schmidt")
    counts = erase_all(ADDRESS)
    assert (counts["leads"], counts["emails"]) == (1, 1)
    for trace in ("anna", "schmidt", "rosas", "5550123"):
        assert trace not in traces()
    email.refresh_from_db()
    assert (email.state, email.reason) == ("skipped", "suppressed")
    assert is_suppressed(ADDRESS)
    assert ADDRESS not in str(list(Suppression.objects.values()))
    assert erase_all(ADDRESS)["leads"] == 0


@pytest.fixture
def talk(anna, make_campaign) -> Email:
    """A mail to Anna, her answer, ours, and what a server and her browser said."""
    campaign = make_campaign()
    email = mail(
        campaign, anna, state="sent", message_id="<1@x>", claimed_at=NOW,
        data_started_at=NOW, sent_at=NOW,
    )  # fmt: skip
    account = campaign.account
    conversation = Conversation.objects.create(
        account=account, address=ADDRESS, name="Anna Schmidt", last_at=NOW
    )
    message = IncomingMessage.objects.create(
        account=account, digest="d", raw=b"From: Anna Schmidt", received_at=NOW,
        kind="reply", sender=ADDRESS, sender_name="Anna Schmidt", subject="Anna here",
        text="I am Anna", message_id="<a@rosas.example>", email=email,
        conversation=conversation, handled_at=NOW,
    )  # fmt: skip
    ours = Email.objects.create(
        kind="single", account=account, lead=anna, address=ADDRESS, subject="Re: Anna"
    )
    WrittenAnswer.objects.create(
        email=ours, conversation=conversation, message=message, subject="Re: Anna",
        text="Dear Anna",
    )  # fmt: skip
    DeliveryEvent.objects.create(
        account=account, source="mailbox", event_id="1", kind="soft", email=email,
        address=ADDRESS, words="anna's box is full", happened_at=NOW,
    )  # fmt: skip
    TrackingEvent.objects.create(
        email=email, kind="open", user_agent="Anna's phone", network="203.0.113.0/24"
    )
    Evidence.objects.create(
        email=email, kind="hand", arrived=True, detail="Anna rang", happened_at=NOW
    )
    return email


def test_what_came_back_is_given_out(talk):
    found = export_all(ADDRESS)

    assert found["messages"][0]["text"] == "I am Anna"
    assert found["answers"][0]["text"] == "Dear Anna"
    assert found["emails"][0]["events"][0]["network"] == "203.0.113.0/24"
    assert found["emails"][0]["delivery"][0]["said"] == "anna's box is full"


def test_what_came_back_is_erased_and_the_places_are_remembered(talk):
    erase_all(ADDRESS)

    for trace in ("anna", "schmidt", "rosas", "203.0.113"):
        assert trace not in traces()
    assert IncomingMessage.objects.get().digest == "d"


def test_a_company_loses_the_address_and_stays_a_lead():
    company = store_record(record(name="Rosa's Bakery LLC")).lead_id
    erase_all(ADDRESS)
    lead = Lead.objects.get(pk=company)
    assert (lead.name, lead.email, lead.phone) == (
        "Rosa's Bakery LLC",
        "",
        "+17075550123",
    )
    assert not LeadFact.objects.filter(field="email").exists()


def test_no_source_brings_an_erased_address_back(anna):
    erase_all(ADDRESS)
    again = store_record(record("https://other.example", name="Rosa's LLC"))
    bulk = store_records([record("file:x.csv", name="Mill", phone="+17075550124")])
    assert not LeadFact.objects.filter(value=ADDRESS).exists()
    ids = [again.lead_id, bulk[0].lead_id]
    assert set(Lead.objects.filter(pk__in=ids).values_list("email", flat=True)) == {""}


def test_leads_that_were_merged_are_erased_together(anna):
    other = store_record(
        record("u2", name="Anna's Cakes", phone="+17075550199", email="")
    )
    store_record(
        LeadRecord({"phone": "+17075550199"}, "import", "u3", NOW), lead_id=anna.pk
    )
    assert Lead.objects.get(pk=other.lead_id).merged_into == anna
    erase_all(ADDRESS)
    assert "cakes" not in traces()


def test_a_mail_on_its_way_makes_the_request_wait(anna, make_campaign):
    email = mail(make_campaign(), anna)
    Email.objects.filter(pk=email.pk).update(
        state="sending", claimed_at=NOW, message_id="<1@x>"
    )
    with pytest.raises(TransientError, match="in a minute"):
        erase_all(ADDRESS)
    # Nothing is half erased.
    assert Lead.objects.get().email == ADDRESS


def test_the_commands_show_and_erase(anna, capsys):
    call_command("leads", "person", ADDRESS)
    assert json.loads(capsys.readouterr().out)["leads"][0]["email"] == ADDRESS
    with pytest.raises(CommandError, match="say --yes"):
        call_command("leads", "erase", ADDRESS)
    assert Lead.objects.get().email == ADDRESS
    call_command("leads", "erase", ADDRESS, "--yes")
    assert "leads 1" in capsys.readouterr().out
    with pytest.raises(CommandError, match="is not an e-mail address"):
        call_command("leads", "person", "anna")
