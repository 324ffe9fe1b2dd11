"""What a mail said is put together again from its template of that time."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns.models import (
    Account,
    Campaign,
    Conversation,
    Email,
    Template,
    TemplateVersion,
)
from campaigns.recalling import CHANGED, MAYBE_CHANGED, Recalled, recall
from campaigns.sending import send_email, send_together
from demos.models import DemoSite
from leads.models import Lead
from leads.person_requests import erase_all

pytestmark = pytest.mark.django_db

BODY = "<p>{Hi|Hello|Dear} {{ lead.name }}, <a href='{{ demo.url }}'>look</a>.</p>"


@pytest.fixture
def sent(make_email, make_campaign, make_template, server):
    """A mail that was sent, and the text that arrived of it, without its footer."""
    template = make_template(body_html=BODY)
    email = make_email(campaign=make_campaign(template=template, port=server.port))
    send_email(email.pk)
    ((_, content),) = server.mails
    mail = message_from_bytes(content, policy=default)
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    return Email.objects.get(pk=email.pk), text.partition("\n\n-- ")[0].strip()


def test_the_text_is_the_one_that_was_sent(sent):
    email, arrived = sent
    assert email.lead.name in arrived
    assert recall([email])[email.pk].text == arrived
    assert recall([email])[email.pk].note == ""


def test_later_changes_of_the_template_do_not_change_it(sent):
    email, arrived = sent
    for text in ("<p>Second {{ lead.name }}</p>", "<p>Third</p>"):
        template = Template.objects.get()
        template.body_html = text
        template.save()
    assert TemplateVersion.objects.count() == 2
    assert recall([Email.objects.get()])[email.pk].text == arrived


def test_a_template_that_stays_as_it_is_makes_no_version(sent):
    Template.objects.update(name="renamed", updated_at=timezone.now())
    assert not TemplateVersion.objects.exists()


def test_a_mail_says_the_version_that_held_when_its_turn_came(sent):
    email, _ = sent
    Template.objects.update(body_html="<p>Second</p>")
    Email.objects.update(claimed_at=timezone.now())
    assert recall([Email.objects.get()])[email.pk].text == "Second"


def test_a_demo_that_was_taken_down_still_stands_in_it(sent):
    email, arrived = sent
    DemoSite.objects.update(state="expired", expires_at=timezone.now())
    assert "/d/" in arrived
    assert recall([Email.objects.get()])[email.pk].text == arrived


def change_lead(**values):
    Lead.objects.update(**values, updated_at=timezone.now() + timedelta(hours=1))


def test_words_that_come_out_otherwise_now_are_told(sent):
    email, arrived = sent
    name = email.lead.name
    change_lead(name="Another name")
    recalled = recall([Email.objects.get()])[email.pk]
    assert "Another name" in recalled.text
    assert recalled.note == CHANGED
    # Who changes it back changes nothing.
    change_lead(name=name)
    assert recall([Email.objects.get()])[email.pk] == Recalled(arrived)


def test_a_lead_that_was_looked_at_again_is_no_news(sent):
    email, arrived = sent
    change_lead(score=12, phone="+14155550123", audit={"title": "New"})
    assert recall([Email.objects.get()])[email.pk] == Recalled(arrived)


@pytest.mark.parametrize("body", ["{{ sender.name }}", "{{ campaign.name }}"])
def test_a_sender_or_a_campaign_that_was_renamed_is_told(
    body, make_email, make_campaign, make_template, server
):
    template = make_template(body_html=f"<p>{body} {{{{ unsubscribe_url }}}}</p>")
    campaign = make_campaign(template=template, port=server.port)
    email = make_email(campaign=campaign)
    send_email(email.pk)
    assert recall([Email.objects.get()])[email.pk].note == ""
    Account.objects.update(from_name="Bea")
    Campaign.objects.update(name="Autumn")
    assert recall([Email.objects.get()])[email.pk].note == CHANGED


def test_mails_that_went_together_are_known_again(
    make_account, make_email, make_campaign, server
):
    campaign = make_campaign(account=make_account(server.port, window=5))
    emails = [make_email(campaign=campaign) for _ in range(3)]
    send_together([email.pk for email in emails])
    assert None not in Email.objects.values_list("words_hash", flat=True)
    assert {each.note for each in recall(list(Email.objects.all())).values()} == {""}


def test_of_a_mail_without_a_hash_it_is_told_that_its_lead_was_changed(sent):
    email, _ = sent
    Email.objects.update(words_hash=None)
    assert recall([Email.objects.get()])[email.pk].note == ""
    change_lead(name="Another name")
    assert recall([Email.objects.get()])[email.pk].note == MAYBE_CHANGED


def test_the_conversation_says_it_once_and_only_then(sent, client):
    email, _ = sent
    talk = Conversation.objects.create(
        account=email.account, address=email.address, last_at=timezone.now()
    )
    client.force_login(User.objects.create_superuser("root"))
    page = reverse("admin:campaigns_conversation_change", args=[talk.pk])
    change_lead(score=1)
    assert "were others" not in client.get(page).content.decode()
    change_lead(name="Another name")
    assert client.get(page).content.decode().count(CHANGED) == 1


def test_erasing_a_person_leaves_no_hash_of_what_was_written(sent):
    email, _ = sent
    erase_all(email.address)
    assert Email.objects.get().words_hash is None


def test_a_mail_that_never_began_says_nothing(make_email):
    assert recall([make_email()]) == {}


def test_many_mails_ask_as_often_as_one(make_email, make_campaign):
    campaign = make_campaign()
    for _ in range(4):
        make_email(campaign=campaign, claimed_at=timezone.now(), message_id=None)
    found = list(
        Email.objects.select_related(
            "account", "campaign", "lead", "template", "variant"
        )
    )
    with CaptureQueriesContext(connection) as asked:
        assert len(recall(found)) == 4
    assert len(asked) == 2


def test_the_mails_page_shows_it_without_its_tracked_links(sent, client):
    email, _ = sent
    client.force_login(User.objects.create_superuser("root"))
    page = reverse("admin:campaigns_email_change", args=[email.pk])
    frame = reverse("admin:campaigns_email_html", args=[email.pk])
    assert frame in client.get(page).content.decode()
    shown = client.get(frame).content.decode()
    assert email.lead.name in shown
    assert "Stop these mails" in shown
    assert not re.search(r"/m/[uoch]/", shown)
    client.force_login(User.objects.create(username="other", is_staff=True))
    assert client.get(frame).status_code in (403, 404)


def test_an_erased_person_is_not_written_of_again(sent):
    email, _ = sent
    Email.objects.update(address="erased-1")
    recalled = recall([Email.objects.get()])[email.pk]
    assert (recalled.text, "erased" in recalled.note) == ("", True)
