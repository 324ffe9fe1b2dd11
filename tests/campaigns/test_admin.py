"""The admin pages: they say what is true, ask the server's permission, and stay quick."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign, SinkMessage, Template, TrackingEvent
from campaigns.sink import keep
from tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    # Without a password: hashing one would take longer than the tests.
    client.force_login(
        User.objects.create(username="root", is_staff=True, is_superuser=True)
    )
    return client


@pytest.fixture
def reader(client):
    user = User.objects.create(username="reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client


def page(client, model, pk=None):
    name = f"admin:campaigns_{model}_" + ("change" if pk else "changelist")
    response = client.get(reverse(name, args=[pk] if pk else []))
    assert response.status_code == 200
    return response.content.decode()


def press(client, campaign, button, **fields):
    url = reverse(f"admin:campaigns_campaign_{button}", args=[campaign.pk])
    return client.post(url, {"_form_submitted": "True", **fields})


LISTS = ["campaign", "recipient", "email", "trackingevent", "sinkmessage", "template"]


@pytest.mark.parametrize("model", [*LISTS, "account", "dailyfigures"])
def test_a_list_asks_the_database_as_often_for_many_rows_as_for_few(
    model, admin, make_email
):
    def add(count):
        for _ in range(count):
            email = make_email()
            TrackingEvent.objects.create(email=email, kind="open")
            keep("a@b.example", [email.address], b"Subject: hello\r\n\r\nhello")

    add(2)
    page(admin, model)  # Fills the caches of content types and permissions.
    with CaptureQueriesContext(connection) as few:
        page(admin, model)
    add(6)
    with CaptureQueriesContext(connection) as many:
        page(admin, model)

    assert len(many) <= len(few)


def test_every_page_of_a_row_shows(admin, make_email):
    email = make_email()
    TrackingEvent.objects.create(email=email, kind="click", url="https://x.example/")
    (sunk,) = keep("a@b.example", ["c@d.example"], b"Subject: hello\r\n\r\nhello")

    assert email.campaign.name in page(admin, "campaign", email.campaign_id)
    assert email.address in page(admin, "recipient", email.recipient_id)
    assert "https://x.example/" in page(admin, "email", email.pk)
    assert "hello" in page(admin, "sinkmessage", sunk.pk)
    assert email.template.name in page(admin, "template", email.template_id)
    assert email.account.name in page(admin, "account", email.account_id)


def test_the_buttons_launch_pause_resume_and_cancel(admin, make_campaign, make_lead):
    make_lead()
    campaign = make_campaign(state="draft")

    assert press(admin, campaign, "launch").status_code == 200
    assert Task.objects.filter(actor="launch_campaign_async").count() == 1
    campaign = make_campaign(state="running")
    for button, state in [
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
    ]:
        response = press(admin, campaign, button)
        campaign.refresh_from_db()
        assert response.headers["HX-Redirect"].endswith(f"/{campaign.pk}/change/")
        if state == "running":
            assert campaign.state in ("running", "finished")
            Campaign.objects.filter(state="finished").delete()
            campaign = make_campaign(state="running")
        else:
            assert campaign.state == state


@pytest.mark.parametrize(
    "button",
    ["launch", "plan", "drop", "pause", "resume", "cancel", "send_test", "choose"],
)
def test_a_reader_may_not_press_buttons(button, reader, make_campaign):
    campaign = make_campaign(state="draft")

    assert press(reader, campaign, button).status_code == 403
    assert not Task.objects.exists()


def test_looking_at_a_button_changes_nothing(admin, make_campaign):
    campaign = make_campaign(state="running")

    url = reverse("admin:campaigns_campaign_pause", args=[campaign.pk])
    assert "Pause this campaign?" in admin.get(url).content.decode()
    campaign.refresh_from_db()
    assert campaign.state == "running"


def test_a_test_mail_is_enqueued_or_refused_at_its_field(admin, make_campaign):
    campaign = make_campaign(state="draft")

    refused = press(
        admin, campaign, "send_test", address="x@localhost.test", way="sink"
    )
    assert "is not an address that can be written to" in refused.content.decode()
    assert not Task.objects.exists()

    press(admin, campaign, "send_test", address="me@agency.example", way="sink")
    assert Task.objects.get().kwargs == {
        "campaign_id": campaign.pk, "address": "me@agency.example", "lead_id": None,
        "test_mode": True,
    }  # fmt: skip


def test_a_wrong_template_is_refused_with_one_sentence(admin):
    response = admin.post(
        reverse("admin:campaigns_template_add"),
        {
            "name": "x",
            "subject": "Hi",
            "body_html": "<p>{{ lead.nme }}</p>",
            "body_text": "",
        },
    )

    assert "did you mean &#x27;lead.name&#x27;?" in response.content.decode()
    assert not Template.objects.exists()


def test_a_mail_is_shown_in_a_box_that_runs_nothing(admin):
    raw = b"Content-Type: text/html\r\n\r\n<p>hi</p><script>alert(1)</script><img src=http://x/>"
    (message,) = keep("a@b.example", ["c@d.example"], raw)

    shown = page(admin, "sinkmessage", message.pk)
    response = admin.get(reverse("admin:campaigns_sinkmessage_html", args=[message.pk]))

    policy = response.headers["Content-Security-Policy"]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "<script>alert" not in shown
    assert "default-src 'none'" in policy
    assert "img-src data:" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_strangers_see_no_mail(client):
    (message,) = keep("a@b.example", ["c@d.example"], b"Subject: x\r\n\r\nsecret")

    response = client.get(
        reverse("admin:campaigns_sinkmessage_html", args=[message.pk])
    )

    assert response.status_code == 302
    assert SinkMessage.objects.count() == 1


def test_a_recipient_says_why(admin, make_email):
    email = make_email()
    Campaign.objects.update(state="paused", state_reason="Paused by a person.")

    assert "the campaign is paused. Paused by a person." in page(admin, "recipient")
    assert "the campaign is paused. Paused by a person." in page(
        admin, "email", email.pk
    )


def test_a_launched_campaign_cannot_be_deleted(admin, make_campaign):
    campaign = make_campaign(state="finished", launched_at=timezone.now())

    response = admin.post(
        reverse("admin:campaigns_campaign_delete", args=[campaign.pk]), {"post": "yes"}
    )

    assert response.status_code == 403
    assert Campaign.objects.exists()
