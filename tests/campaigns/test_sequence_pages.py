"""Steps and variants on a campaign's page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from campaigns.counting import fold
from campaigns.models import Campaign
from campaigns.models.counts import Count

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    # Without a password: hashing one would take longer than the tests.
    client.force_login(
        User.objects.create(username="root", is_staff=True, is_superuser=True)
    )
    return client


def page(client, campaign):
    url = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    return client.get(url).content.decode()


def press(client, campaign, button, **fields):
    url = reverse(f"admin:campaigns_campaign_{button}", args=[campaign.pk])
    return client.post(url, {"_form_submitted": "True", **fields})


def form_of(client, campaign, *steps, **fields):
    """Post the form on a campaign's page with these rows of its steps."""
    before = list(campaign.steps.order_by("number"))
    data = {
        "name": campaign.name, "account": campaign.account_id, "quiet_days": 30,
        "rotation-TOTAL_FORMS": 0, "rotation-INITIAL_FORMS": 0,
        "steps-TOTAL_FORMS": len(steps), "steps-INITIAL_FORMS": len(before),
        "variants-TOTAL_FORMS": 0, "variants-INITIAL_FORMS": 0,
        "consent_rule": "where_asked", "split_metric": "reply",
        "split_threshold": 0.95, "split_hours": 72, **fields,
    }  # fmt: skip
    for number, step in enumerate(steps):
        if number < len(before):
            data |= {f"steps-{number}-id": before[number].pk}
        data |= {
            f"steps-{number}-campaign": campaign.pk,
            f"steps-{number}-wait_hours": 0,
        }
        data |= {f"steps-{number}-{name}": value for name, value in step.items()}
    url = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    return client.post(url, data)


def step_row(template, number, **values):
    return {
        "number": number, "template": template.pk, "wait_days": 0,
        "condition": "no_reply", "in_thread": "on", **values,
    }  # fmt: skip


def test_a_campaign_is_made_on_its_page(admin, make_account, make_template):
    rows = (step_row(make_template(), 1), step_row(make_template(), 2, wait_days=3))
    data = {
        "name": "New", "account": make_account().pk, "quiet_days": 30,
        "rotation-TOTAL_FORMS": 0, "rotation-INITIAL_FORMS": 0,
        "steps-TOTAL_FORMS": 2, "steps-INITIAL_FORMS": 0,
        "variants-TOTAL_FORMS": 0, "variants-INITIAL_FORMS": 0,
        "consent_rule": "where_asked", "split_metric": "reply",
        "split_threshold": 0.95, "split_hours": 72,
    }  # fmt: skip
    for number, row in enumerate(rows):
        row = {"wait_hours": 0, **row}
        data |= {f"steps-{number}-{name}": value for name, value in row.items()}

    response = admin.post(reverse("admin:campaigns_campaign_add"), data)

    assert response.status_code == 302
    campaign = Campaign.objects.get()
    assert [step.number for step in campaign.steps.all()] == [1, 2]


def test_the_form_takes_follow_ups(admin, make_campaign, make_template):
    campaign = make_campaign(state="draft")
    first, second = campaign.template, make_template()

    response = form_of(
        admin, campaign, step_row(first, 1),
        step_row(second, 2, wait_days=3, condition="not_opened"),
    )  # fmt: skip

    assert response.status_code == 302
    step = campaign.steps.get(number=2)
    assert (step.template, step.wait_days, step.condition) == (second, 3, "not_opened")


def test_a_campaign_keeps_its_first_mail_and_what_was_written(admin, make_email):
    email = make_email()
    template = email.template

    renumbered = form_of(admin, email.campaign, step_row(template, 2, wait_days=1))
    removed = form_of(
        admin, email.campaign, step_row(template, 1, DELETE="on"),
        step_row(template, 2, wait_days=1),
    )  # fmt: skip
    waiting = form_of(admin, email.campaign, step_row(template, 1, wait_days=1))

    assert "A campaign has a first mail: add step 1." in renumbered.content.decode()
    assert "A campaign has a first mail: add step 1." in removed.content.decode()
    assert "The first mail waits for nothing" in waiting.content.decode()
    assert email.campaign.steps.get().number == 1


def test_a_step_with_mails_has_to_stay(admin, make_email, make_template):
    email = make_email(step=2)
    first, second = email.template, make_template()
    email.campaign.steps.create(number=2, template=second, wait_days=1)

    response = form_of(
        admin, email.campaign, step_row(first, 1),
        step_row(second, 2, wait_days=1, DELETE="on"),
    )  # fmt: skip

    assert "Mails of step 2 were written already" in response.content.decode()
    assert email.campaign.steps.count() == 2


def test_the_panel_shows_how_sure_each_rate_is(admin, make_campaign):
    campaign = make_campaign()
    for label in ("A", "B"):
        campaign.variants.create(label=label)

    shown = page(admin, campaign)

    assert "Too early: A has 0 of the 764 mails that each variant needs." in shown
    assert "2.5% – 97.5%" in shown
    assert shown.count('role="img"') == 2


def test_a_winner_is_chosen_with_a_button(admin, make_campaign):
    campaign, other = make_campaign(), make_campaign()
    variant = campaign.variants.create(label="B")
    foreign = other.variants.create(label="C")

    press(admin, campaign, "choose", variant=foreign.pk)
    assert other.steps.get().winner is None
    press(admin, campaign, "choose", variant=variant.pk)

    step = campaign.steps.get()
    assert (step.winner, step.winner_reason) == (variant, "Chosen by root.")
    assert "B has won." in page(admin, campaign)


def test_mails_are_counted_by_variant(make_campaign, make_email):
    campaign = make_campaign()
    a, b = (campaign.variants.create(label=label) for label in "AB")
    email = make_email(campaign=campaign, variant=a)
    make_email(campaign=campaign, variant=b)
    type(email).objects.filter(pk=email.pk).update(variant=b)

    fold()

    counted = Count.objects.filter(campaign_id=campaign.pk, what="waiting").exclude(n=0)
    assert dict(counted.values_list("variant_id", "n")) == {b.pk: 2}


def test_audience_and_windows_are_written_as_people_write_them(admin, make_campaign):
    campaign = make_campaign(state="draft", audience={"min_score": 40})
    row = step_row(campaign.template, 1)

    response = form_of(
        admin, campaign, row, audience_city="Bonn, Cologne", audience_max_score="90",
        audience_audit=["!is_https"], windows="Mon-Fri 9:00-17:00\nSat 10:00-24:00",
    )  # fmt: skip

    assert response.status_code == 302
    campaign.refresh_from_db()
    assert campaign.audience == {
        "min_score": 40, "city": ["Bonn", "Cologne"], "max_score": 90,
        "audit": ["!is_https"],
    }  # fmt: skip
    assert campaign.send_windows == [
        {"days": "12345", "from": "09:00", "until": "17:00"},
        {"days": "6", "from": "10:00", "until": "00:00"},
    ]
    shown = page(admin, campaign)
    assert "Bonn, Cologne" in shown
    assert "Mon-Fri 09:00-17:00" in shown


def test_a_window_that_makes_no_sense_is_said_at_the_field(admin, make_campaign):
    campaign = make_campaign(state="draft")

    response = form_of(
        admin, campaign, step_row(campaign.template, 1), windows="always"
    )

    assert "is no window: write Mon-Fri 09:00-17:00" in response.content.decode()


def test_the_launch_says_first_whom_it_would_reach(admin, make_campaign, make_lead):
    make_lead(email="twin@x.example")
    make_lead(email="twin@x.example")
    make_lead(email="")
    make_lead(country="DE")
    campaign = make_campaign(state="draft")
    url = reverse("admin:campaigns_campaign_launch", args=[campaign.pk])

    said = " ".join(admin.get(url).content.decode().split())

    assert "<b>1</b> of 4 leads would get a mail now." in said
    for reason in ("already written to", "no e-mail address known", "consent"):
        assert reason in said
    assert not campaign.recipients.exists()


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        ("draft", {"launch", "plan", "cancel", "send_test"}),
        ("overdue", {"launch", "plan", "drop", "cancel", "send_test"}),
        ("running", {"launch", "pause", "cancel", "send_test"}),
        ("paused", {"resume", "cancel", "send_test"}),
        ("cancelled", {"send_test"}),
    ],
)
def test_only_buttons_that_make_sense_are_shown(state, buttons, admin, make_campaign):
    campaign = make_campaign(state=state)

    shown = page(admin, campaign)

    paths = {"launch", "plan", "drop", "pause", "resume", "cancel", "test", "choose"}
    found = {name for name in paths if f"/{campaign.pk}/{name}" in shown}
    assert {"send_test" if name == "test" else name for name in found} == buttons
