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

from campaigns.models import Email, Template, TemplateVersion
from campaigns.recalling import recall
from campaigns.sending import send_email
from demos.models import DemoSite
from leads.models import Lead

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


def test_a_lead_that_was_changed_since_is_told(sent):
    email, _ = sent
    later = email.data_started_at + timedelta(hours=1)
    Lead.objects.update(name="Another name", updated_at=later)
    recalled = recall([Email.objects.get()])[email.pk]
    assert "Another name" in recalled.text
    assert "data were changed since" in recalled.note


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
