"""A campaign's page: plan, figures, answers and doubts, at the cost of a few rows."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns import counting
from campaigns.admin import long_lists
from campaigns.models import Email, Evidence, TrackingEvent, Variant
from tasks.enqueueing import enqueue

pytestmark = pytest.mark.django_db


def user(client, name, *permissions):
    found = User.objects.create(username=name, is_staff=True)
    found.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(found)
    return client


@pytest.fixture
def admin(client):
    client.force_login(
        User.objects.create(username="root", is_staff=True, is_superuser=True)
    )
    return client


@pytest.fixture
def reader(client):
    return user(client, "reader", "view_campaign")


def ask(client, name, *arguments, **query):
    path = reverse(f"admin:campaigns_campaign_{name}", args=arguments)
    return client.get(path, query)


def words(response):
    """The text of a page, as a reader sees it."""
    text = re.sub(
        r"<(script|style|svg).*?</\1>", " ", response.content.decode(), flags=re.DOTALL
    )
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def doubt(email):
    at = timezone.now() - timedelta(minutes=10)
    Email.objects.filter(pk=email.pk).update(
        state="sending", message_id=f"<{email.pk}@x>", claimed_at=at, data_started_at=at
    )
    Email.objects.filter(pk=email.pk).update(state="in_doubt", detail="It broke off.")
    Evidence.objects.create(
        email=email, kind="sent_folder", detail="It does not lie there.", happened_at=at
    )


def send(email):
    now = timezone.now()
    Email.objects.filter(pk=email.pk).update(
        state="sending", message_id=f"<{email.pk}@x>", claimed_at=now
    )
    Email.objects.filter(pk=email.pk).update(state="sent", sent_at=now)


def test_the_page_tells_the_plan_the_funnel_and_the_tables(
    reader, make_campaign, make_account, make_email
):
    campaign = make_campaign(account=make_account(daily_cap=3))
    emails = [make_email(campaign=campaign) for _ in range(6)]
    for email in emails[:2]:
        send(email)
    TrackingEvent.objects.create(email=emails[0], kind="open")
    TrackingEvent.objects.create(email=emails[1], kind="open", is_human=False)

    said = words(ask(reader, "change", campaign.pk))

    assert "Running Today 2 of 3 sent Still to be sent 4" in said
    assert "At this pace 2 days, today included" in said
    assert f"Account {campaign.account} today 2 of 3" in said
    assert "2 of 6 dealt with" in said
    assert "mailed 2 33.3 % opened 1 50.0 %" in said
    assert "machines opened 1 and clicked in 0 mails" in said
    assert f"1. {campaign.template.name} 4 2 0 1 50.0 %" in said
    assert f"{campaign.account.smtp_host} 4 2 0" in said


def test_variants_have_their_own_lines(reader, make_campaign, make_email):
    campaign = make_campaign()
    variants = [
        Variant.objects.create(campaign=campaign, step=1, label=label)
        for label in ("long", "short")
    ]
    for variant in (*variants, variants[1]):
        send(make_email(campaign=campaign, variant=variant))
    counting.fold()

    said = words(ask(reader, "live", campaign.pk))

    assert "Variant 1. long 0 1 0" in said
    assert "1. short 0 2 0" in said


def test_the_next_mail_has_its_time(reader, make_email):
    email = make_email()
    when = timezone.now() + timedelta(hours=3)
    email.task_id = enqueue("send_campaign_email", run_at=when, email_id=email.pk)
    email.save()

    said = ask(reader, "live", email.campaign_id).content.decode()

    assert f'<time datetime="{timezone.localtime(when).isoformat()[:19]}' in said


def test_what_is_shown_by_day_stays_by_day_when_it_is_renewed(reader, make_email):
    campaign = make_email().campaign

    page = ask(reader, "change", campaign.pk, by="day").content.decode()

    assert "Last 30 days" in page
    assert f'hx-get="/admin/campaigns/campaign/{campaign.pk}/live/?by=day"' in page
    assert "Last 48 hours" in words(ask(reader, "live", campaign.pk, by="<script>"))


def test_a_draft_is_not_renewed(reader, make_campaign):
    page = ask(reader, "change", make_campaign(state="draft").pk).content.decode()

    assert "/live/" not in page


def test_many_recipients_cost_no_more_queries(reader, make_campaign, make_email):
    campaign = make_campaign()

    def add(count):
        for _ in range(count):
            email = make_email(campaign=campaign)
            doubt(email) if email.pk % 2 else send(email)
        counting.fold()

    def queries():
        with CaptureQueriesContext(connection) as asked:
            ask(reader, "change", campaign.pk)
        return len(asked)

    add(2)
    queries()
    few = queries()
    add(12)
    assert queries() <= few


class TestWhy:
    def test_a_recipient_is_found_and_explained(self, reader, make_email):
        email = make_email()

        said = words(ask(reader, "why", email.campaign_id, who=email.address))

        assert f"{email.lead.name} {email.address} Not sent yet" in said
        assert "No task is planned for it" in said

    def test_what_is_asked_is_data(self, reader, make_campaign):
        page = ask(reader, "why", make_campaign().pk, who="<script>alert(1)</script>")

        assert b"<script>" not in page.content

    def test_nothing_asked_is_one_sentence(self, reader, make_campaign):
        said = words(ask(reader, "why", make_campaign().pk))

        assert said == "Write two characters or more of an address or a name."

    @pytest.mark.parametrize("name", ["why", "live"])
    def test_it_asks_for_the_right_to_see_campaigns(self, name, client, make_campaign):
        campaign = make_campaign()

        assert ask(client, name, campaign.pk).status_code == 302
        nobody = user(client, "nobody", "view_lead")
        assert ask(nobody, name, campaign.pk).status_code == 404


class TestSettling:
    def press(self, client, email, **fields):
        path = reverse(
            "admin:campaigns_campaign_settle", args=[email.campaign_id, email.pk]
        )
        return client.post(path, fields)

    def test_doubts_are_listed_with_what_is_known(self, admin, make_email):
        email = make_email()
        doubt(email)

        said = words(ask(admin, "change", email.campaign_id))

        assert f"{email.address} {email.lead.name} step 1, since" in said
        assert "It broke off. folder of sent mail" in said
        assert "It does not lie there. It arrived It did not arrive" in said

    @pytest.mark.parametrize(
        ("fate", "state"), [("arrived", "sent"), ("lost", "failed")]
    )
    def test_a_person_settles_with_a_reason(self, fate, state, admin, make_email):
        email = make_email()
        doubt(email)

        self.press(admin, email, fate=fate, reason=" ")
        email.refresh_from_db()
        assert email.state == "in_doubt"
        self.press(admin, email, fate=fate, reason="They called me.")

        email.refresh_from_db()
        assert email.state == state
        assert email.evidence.get(kind="hand").detail == "They called me."

    def test_whoever_only_reads_settles_nothing(self, reader, make_email):
        email = make_email()
        doubt(email)

        assert "It arrived" not in words(ask(reader, "change", email.campaign_id))
        response = self.press(reader, email, fate="arrived", reason="I say so.")

        email.refresh_from_db()
        assert (response.status_code, email.state) == (403, "in_doubt")

    def test_a_mail_of_another_campaign_is_not_settled_here(
        self, admin, make_email, make_campaign
    ):
        email = make_email()
        doubt(email)
        other = reverse(
            "admin:campaigns_campaign_settle", args=[make_campaign().pk, email.pk]
        )

        assert admin.post(other, {"reason": "x"}).status_code == 404
        assert admin.get(other).status_code == 405


class TestLongLists:
    def test_what_lies_behind_the_counted_rows_is_reached(
        self, admin, make_campaign, make_email, monkeypatch
    ):
        monkeypatch.setattr(long_lists.CountedPages, "LIMIT", 3)
        monkeypatch.setattr(long_lists.LongListAdmin, "list_per_page", 2)
        campaign = make_campaign()
        emails = [make_email(campaign=campaign) for _ in range(5)]
        path = reverse("admin:campaigns_email_changelist")

        page = admin.get(path, {"p": 2}).content.decode()
        assert "more than 3 e-mails" in page
        older = re.search(r'href="\?([^"]*before=\d+)', page)
        assert older is not None
        rest = admin.get(f"{path}?{older[1]}").content.decode()

        shown = [email.address in rest for email in emails]
        assert shown == [True, True, False, False, False]

    @pytest.mark.parametrize("model", ["email", "recipient"])
    def test_rows_are_found_by_address_and_by_lead(self, model, admin, make_email):
        email, other = make_email(), make_email()
        path = reverse(f"admin:campaigns_{model}_changelist")

        for asked in (email.address.upper(), email.lead.name):
            page = admin.get(path, {"q": asked}).content.decode()
            assert email.address in page
            assert other.address not in page
