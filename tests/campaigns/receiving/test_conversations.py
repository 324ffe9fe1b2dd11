"""Conversations in admin: threads to read, and answers that go out in the thread."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from prometheus_client import generate_latest

from campaigns.figures import figures
from campaigns.incoming.cleaning import clean_html
from campaigns.metrics import collect
from campaigns.models import (
    Conversation,
    Email,
    IncomingMessage,
    Mailbox,
    ProviderFeed,
)
from campaigns.receiving.reading import read_mailbox
from campaigns.sending import send_email
from leads.suppression import suppress
from tasks.models import Task
from tests.campaigns.incoming.letters import letter

pytestmark = pytest.mark.django_db


def url_of(name, pk):
    return reverse(f"admin:campaigns_conversation_{name}", args=[pk])


def answer(client, talk, text="From 900 euros.", key="k1"):
    data = {"text": text, "request_key": key}
    return client.post(url_of("answer", talk.pk), data)


def test_the_list_shows_who_waits(admin, talk):
    page = admin.get(reverse("admin:campaigns_conversation_changelist"))

    text = page.content.decode()
    assert "Bob Baker" in text
    assert "How much is it?" in text
    assert "needs an answer" in text


def test_the_list_asks_as_often_for_many_as_for_few(admin, make_account):
    account = make_account()
    url = reverse("admin:campaigns_conversation_changelist")

    def add(count):
        for _ in range(count):
            number = Conversation.objects.count()
            Conversation.objects.create(
                account=account, address=f"p{number}@x.example", last_at=timezone.now()
            )

    add(2)
    admin.get(url)
    with CaptureQueriesContext(connection) as few:
        admin.get(url)
    add(6)
    with CaptureQueriesContext(connection) as many:
        admin.get(url)
    assert len(many) <= len(few)


def test_the_thread_shows_both_sides_and_marks_it_as_read(admin, talk):
    text = admin.get(url_of("change", talk.pk)).content.decode()

    talk.refresh_from_db()
    assert "How much is it?" in text
    assert "Mail 1 of" in text
    mail = Email.objects.get()
    assert f"Hello {mail.lead.name} in town, have a look" in text
    assert not talk.is_unread
    assert talk.needs_answer


def test_an_answer_goes_out_in_the_thread(admin, talk, server):
    their = IncomingMessage.objects.get()

    response = answer(admin, talk)

    email = Email.objects.get(kind="single")
    assert response.status_code == 302
    assert Task.objects.get(actor="send_single_email").kwargs == {"email_id": email.pk}
    send_email(email.pk)
    (content,) = server.mails_to(email.address)
    mail = message_from_bytes(content, policy=default)
    body = mail.get_body(("plain",)).get_content()
    assert mail["Subject"] == "Re: A new site"
    assert mail["In-Reply-To"] == their.message_id
    assert mail["References"] == f"{their.email.message_id} {their.message_id}"
    assert body.startswith("From 900 euros.")
    assert "> How much is it?" in body
    assert mail["List-Unsubscribe"] is None
    assert "/m/o/" not in content.decode()
    talk.refresh_from_db()
    assert not talk.needs_answer
    assert "From 900 euros." in admin.get(url_of("change", talk.pk)).content.decode()


def test_an_answer_that_has_not_gone_says_why(admin, talk):
    answer(admin, talk)
    Email.objects.filter(kind="single").update(detail="It waits: the account is full.")
    assert (
        "It waits: the account is full."
        in admin.get(url_of("change", talk.pk)).content.decode()
    )


def test_a_form_that_is_sent_twice_makes_one_mail(admin, talk):
    answer(admin, talk)
    answer(admin, talk)

    assert Email.objects.filter(kind="single").count() == 1
    assert Task.objects.filter(actor="send_single_email").count() == 1


@pytest.mark.parametrize(
    ("text", "sentence"), [("  ", "Write something first"), ("x" * 50_001, "at most")]
)
def test_what_can_not_be_sent_is_said_and_kept(text, sentence, admin, talk):
    response = answer(admin, talk, text)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Email.objects.filter(kind="single").exists()


def test_nobody_who_asked_for_silence_is_answered(admin, talk):
    suppress(talk.address, reason="asked")

    response = answer(admin, talk)

    assert "asked not to be written to" in response.content.decode()
    assert "From 900 euros." in response.content.decode()
    assert not Email.objects.filter(kind="single").exists()


def test_a_reader_may_look_and_not_answer(reader, talk):
    page = reader.get(url_of("change", talk.pk)).content.decode()

    assert "How much is it?" in page
    assert "<textarea" not in page
    assert answer(reader, talk).status_code == 403
    assert reader.post(url_of("mark", talk.pk), {"as": "closed"}).status_code == 403
    talk.refresh_from_db()
    assert talk.is_unread
    assert not Email.objects.filter(kind="single").exists()


def test_strangers_see_nothing(client, talk):
    message = IncomingMessage.objects.get()

    for url in (url_of("change", talk.pk), url_of("html", message.pk)):
        assert client.get(url).status_code == 302
    assert answer(client, talk).status_code == 302
    assert not Email.objects.filter(kind="single").exists()


def test_looking_changes_nothing_that_only_a_post_may(admin, talk):
    assert admin.get(url_of("answer", talk.pk)).status_code == 405
    assert admin.get(url_of("mark", talk.pk)).status_code == 405


def test_a_conversation_is_closed_and_opened_again(admin, talk):
    admin.post(url_of("mark", talk.pk), {"as": "closed"})
    talk.refresh_from_db()
    assert (talk.needs_answer, talk.is_unread) == (False, False)

    admin.post(url_of("mark", talk.pk), {"as": "unread"})
    talk.refresh_from_db()
    assert talk.is_unread


def test_a_message_is_shown_in_a_box_that_runs_and_loads_nothing(
    admin, imap, talk, make_sent
):
    raw = letter(
        "<p onclick=x()>Hello</p><script>alert(1)</script><iframe src=//x></iframe>"
        "<img src=http://track.example/p.gif><form action=//x><input></form>"
        '<div style="position:fixed;color:red">hi</div><a href="javascript:x()">y</a>',
        content_type="text/html; charset=utf-8",
        in_reply_to=make_sent().message_id,
    )
    imap.inbox.add(raw)
    read_mailbox(Mailbox.objects.get().pk)
    message = IncomingMessage.objects.order_by("pk").last()

    response = admin.get(url_of("html", message.pk))

    text = response.content.decode()
    for bad in ("script", "onclick", "iframe", "<form", "javascript:", "position"):
        assert bad not in text
    assert "Hello" in text
    assert "color:red" in text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    page = admin.get(url_of("change", message.conversation_id)).content.decode()
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page


def test_cleaning_keeps_what_people_write_with():
    html = '<table border="1"><tr><td>a</td></tr></table><b>b</b><a href="https://x/">c</a>'

    cleaned = clean_html(html)

    assert "<td>a</td>" in cleaned
    assert 'rel="noopener noreferrer nofollow"' in cleaned


def test_a_thread_is_in_the_order_of_time(admin, talk, make_sent):
    from campaigns.receiving.conversations import entries_of

    at = timezone.now() + timedelta(minutes=1)
    lead = Email.objects.get().lead
    make_sent(lead=lead, claimed_at=at, sent_at=at, account=talk.account)

    sides = [entry.is_ours for entry in entries_of(talk)]

    assert sides == [True, False, True]


def test_the_first_page_and_the_scrape_tell_what_waits_and_what_is_wrong(
    talk, make_account
):
    Mailbox.objects.update(trouble="wrong password")
    ProviderFeed.objects.create(account=talk.account, provider="postmark", refused=3)

    waiting = next(each for each in figures() if each.title == "Answers to write")
    lines = generate_latest(Registry()).decode()

    assert (waiting.value, waiting.is_alarming) == (1, True)
    name = Mailbox.objects.get().name
    assert f'fliptech_campaigns_mailbox_trouble{{mailbox="{name}"}} 1.0' in lines
    assert 'provider="postmark"} 3.0' in lines


class Registry:
    """What generate_latest asks of a registry."""

    def collect(self):
        return collect()
