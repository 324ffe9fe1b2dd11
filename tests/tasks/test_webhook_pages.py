"""Webhooks as people see them: admin, and `manage.py webhook`."""

from __future__ import annotations

import logging
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.urls import reverse

from tasks.claiming import claim, succeed
from tasks.enqueueing import enqueue
from tasks.following import follow_ends
from tasks.models import Task, Webhook, WebhookDelivery
from tasks.states import State
from tasks.webhooks import subscribing
from tasks.webhooks.clearing import clear_deliveries

pytestmark = pytest.mark.django_db
LIST = "/admin/tasks/webhook/"
DELIVERIES = "/admin/tasks/webhookdelivery/"
SUBMIT = {"_form_submitted": "True"}
URL = "https://crm.example/hook?token=4711"


@pytest.fixture
def webhook():
    webhook = Webhook(name="crm", url=URL)
    subscribing.add(webhook)
    return webhook


@pytest.fixture
def delivery(webhook):
    succeed(claim(enqueue("trial_add", a=1, b=2), None), "<script>x</script>")
    follow_ends()
    delivery = WebhookDelivery.objects.get()
    entry = {
        "at": "2026-11-25T12:00:00+00:00",
        "status": 404,
        "error": "no",
        "milliseconds": 7,
    }
    WebhookDelivery.objects.update(
        state="failed",
        answer="<b>gone & away</b>",
        error="404 <i>",
        history=[entry],
        tries=1,
    )
    return delivery


def button(name, pk, model="webhook"):
    return reverse(f"admin:tasks_{model}_{name}", args=[pk])


# --- adding -----------------------------------------------------------------------------


def test_a_new_webhook_shows_its_secret_once(admin_client, caplog):
    caplog.set_level(logging.DEBUG)
    form = {"name": "crm", "url": URL, "is_enabled": "on", "states": ["failed"]}
    page = admin_client.post(f"{LIST}add/", form)
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]{44}", page.text)
    assert "no-store" in page.headers["Cache-Control"]
    webhook = Webhook.objects.get()
    assert (webhook.states, webhook.actors) == (["failed"], [])
    assert secret not in webhook.secret
    for path in (LIST, f"{LIST}{webhook.pk}/change/", f"{LIST}{webhook.pk}/history/"):
        text = admin_client.get(path).text
        assert secret not in text
        assert webhook.secret not in text
    assert "whsec_" not in caplog.text
    assert Task.objects.get().actor == "follow_unfinished_tasks"


def test_a_bad_address_is_refused_at_its_field(admin_client):
    form = {"name": "crm", "url": "http://crm.example/", "is_enabled": "on"}
    page = admin_client.post(f"{LIST}add/", form)
    assert "no https:// address" in page.text
    assert not Webhook.objects.exists()


def test_switching_it_on_again_forgets_why_it_was_off(admin_client, webhook):
    Webhook.objects.update(is_enabled=False, problem="410 Gone")
    page = f"{LIST}{webhook.pk}/change/"
    assert "410 Gone" in admin_client.get(page).text
    form = {"name": "crm", "url": URL, "is_enabled": "on", "actors": ["trial_add"]}
    admin_client.post(page, form)
    webhook.refresh_from_db()
    assert (webhook.is_enabled, webhook.problem) == (True, "")
    assert webhook.actors == ["trial_add"]


# --- looking ----------------------------------------------------------------------------


def test_lists_need_no_query_per_row_and_show_hosts_alone(
    admin_client, webhook, django_assert_max_num_queries
):
    for number in range(20):
        subscribing.add(Webhook(name=f"w{number}", url=URL))
        subscribing.send_test(webhook)
    for path in (LIST, DELIVERIES, f"{DELIVERIES}?state__exact=waiting"):
        with django_assert_max_num_queries(12):
            text = admin_client.get(path).text
        assert "crm.example:443" in text
        assert "4711" not in text


def test_a_delivery_shows_its_tries_and_answer_escaped(admin_client, delivery):
    text = admin_client.get(f"{DELIVERIES}{delivery.pk}/change/").text
    assert "2026-11-25 12:00:00 · 404 · 7 ms" in text
    assert "&lt;b&gt;gone &amp; away&lt;/b&gt;" in text
    assert "&lt;script&gt;x" in text
    assert "<script>x" not in text
    assert delivery.event_id in text
    assert f"/admin/tasks/task/{delivery.task_id}/change/" in text


# --- acting -----------------------------------------------------------------------------


def test_buttons_ask_first_and_act_only_on_post(admin_client, webhook, delivery):
    before = Webhook.objects.get().secret
    for url in (
        button("test", webhook.pk),
        button("renew", webhook.pk),
        button("send_again", delivery.pk, "webhookdelivery"),
    ):
        assert admin_client.get(url, SUBMIT).status_code == 200
    assert Webhook.objects.get().secret == before
    assert WebhookDelivery.objects.get().state == "failed"
    admin_client.post(button("send_again", delivery.pk, "webhookdelivery"), SUBMIT)
    assert WebhookDelivery.objects.get().state == "waiting"
    admin_client.post(button("test", webhook.pk), SUBMIT)
    assert WebhookDelivery.objects.filter(event="webhook.test").count() == 1
    page = admin_client.post(button("renew", webhook.pk), SUBMIT)
    assert re.search(r"whsec_[A-Za-z0-9+/=]{44}", page.text)
    assert "no-store" in page.headers["Cache-Control"]
    assert Webhook.objects.get().previous_secret == before


def test_chosen_deliveries_are_sent_again(admin_client, delivery):
    data = {"action": "send_chosen_again", "_selected_action": [str(delivery.pk)]}
    admin_client.post(DELIVERIES, data)
    assert WebhookDelivery.objects.get().state == "waiting"


def test_who_may_only_look_can_change_nothing(
    client, django_user_model, webhook, delivery
):
    looker = django_user_model.objects.create_user("looker", is_staff=True)
    for name in ("view_webhook", "view_webhookdelivery"):
        looker.user_permissions.add(Permission.objects.get(codename=name))
    client.force_login(looker)
    assert client.get(LIST).status_code == 200
    for url in (
        button("test", webhook.pk),
        button("renew", webhook.pk),
        button("send_again", delivery.pk, "webhookdelivery"),
        f"{LIST}add/",
    ):
        assert client.post(url, SUBMIT).status_code == 403
    data = {"action": "send_chosen_again", "_selected_action": [str(delivery.pk)]}
    client.post(DELIVERIES, data)
    assert WebhookDelivery.objects.get().state == "failed"


def test_a_delivery_that_waits_for_its_next_try_is_tried_now(delivery):
    task = Task.objects.get(actor="deliver_webhook")
    later = datetime.now(UTC) + timedelta(hours=3)
    Task.objects.filter(pk=task.pk).update(state=State.SCHEDULED, run_at=later)
    subscribing.send_again(delivery.pk)
    assert Task.objects.get(actor="deliver_webhook").run_at <= datetime.now(UTC)


# --- the command line -------------------------------------------------------------------


def run(capsys, *arguments):
    call_command("webhook", *arguments)
    return capsys.readouterr().out


def test_the_command_adds_lists_tests_and_resends(capsys):
    said = run(capsys, "add", "crm", URL, "--actor=trial_add", "--state=failed")
    assert said.startswith("whsec_")
    listed = run(capsys, "list")
    assert "crm.example:443" in listed
    assert "trial_add, failed; 0 waiting, newest none" in listed
    assert "whsec_" not in listed
    assert "4711" not in listed
    delivery_id = run(capsys, "test", "crm").split()[0]
    assert "webhook.test" in run(capsys, "deliveries", "--webhook=crm")
    WebhookDelivery.objects.update(state="failed")
    assert "is sent again" in run(capsys, "resend", delivery_id)
    assert "waiting" in run(capsys, "deliveries", "--state=waiting")
    assert run(capsys, "renew", "crm").startswith("whsec_")
    run(capsys, "disable", "crm")
    with pytest.raises(CommandError, match="switched off"):
        call_command("webhook", "test", "crm")
    run(capsys, "enable", "crm")
    assert Webhook.objects.get().is_enabled


def test_the_secret_for_addresses_of_tasks_depends_on_the_host_alone(capsys):
    one = run(capsys, "secret", "https://a.example/x")
    assert one == run(capsys, "secret", "https://a.example:443/y?z")
    assert one != run(capsys, "secret", "https://b.example/x")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["test", "nobody"], "There is no webhook 'nobody'"),
        (["add", "x", "http://x.example/"], "no https://"),
        (["add", "x", URL, "--actor=trial_ad"], "Did you mean trial_add"),
        (["resend", str(uuid.uuid4())], "There is no delivery"),
        (["resend", "seven"], "not a delivery's id"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("webhook", *arguments)


def test_a_name_is_given_once(capsys):
    run(capsys, "add", "crm", URL)
    with pytest.raises(CommandError, match="already exists"):
        call_command("webhook", "add", "crm", URL)


# --- clearing ---------------------------------------------------------------------------


def test_old_deliveries_go_and_lost_ones_are_named(webhook, delivery):
    long_ago = datetime.now(UTC) - timedelta(days=40)
    subscribing.send_test(webhook)
    lost = WebhookDelivery.objects.get(event="webhook.test")
    subscribing.send_test(webhook)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(created_at=long_ago)
    hours_ago = datetime.now(UTC) - timedelta(hours=2)
    WebhookDelivery.objects.exclude(pk=delivery.pk).update(created_at=hours_ago)
    Task.objects.filter(unique_key=f"webhook:{lost.pk}").update(state=State.CANCELLED)
    assert clear_deliveries() == 1
    states = dict(WebhookDelivery.objects.values_list("pk", "state"))
    assert states.pop(lost.pk) == "failed"
    assert list(states.values()) == ["waiting"]
