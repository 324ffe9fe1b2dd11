"""Which ends are told to whom: what is in the body, and once for each end."""

from __future__ import annotations

import json
import threading
import uuid

import pytest
from django.db import connection

from fliptech_site.errors import InvalidInput
from tasks import claiming
from tasks.controlling import cancel, retry
from tasks.enqueueing import enqueue, enqueue_many
from tasks.following import follow_ends
from tasks.models import Task, Webhook, WebhookDelivery
from tasks.states import State
from tasks.webhooks import announcing, subscribing
from tests.tasks.receiver import end
from tests.tasks.sealed_actors import sealed_echo
from tests.tasks.trial_actors import trial_add

pytestmark = pytest.mark.django_db(transaction=True)


# --- what is told ---------------------------------------------------------------------


def test_of_an_encrypted_task_neither_result_nor_error_is_told(
    receiver, added, settings
):
    settings.TASK_KEYS = ["k" * 40]
    message = sealed_echo.send(secret="4711")
    held = claiming.claim(uuid.UUID(message.message_id), None)
    told = {"error_class": "E", "message": "no 4711", "traceback": ""}
    claiming.fail(held, **told)
    follow_ends()
    delivery = WebhookDelivery.objects.get()
    assert "4711" not in delivery.body
    data = json.loads(delivery.body)["data"]
    assert (data["result"], data["error"], data["is_sealed"]) == (None, "sealed", True)


def test_a_large_result_is_left_out_and_that_is_said(receiver, added):
    end("x" * 70_000)
    data = json.loads(WebhookDelivery.objects.get().body)["data"]
    assert (data["result"], data["is_result_omitted"]) == (None, True)


def test_each_webhook_hears_of_what_it_wants(receiver):
    for name, wish in {
        "all": {},
        "actor": {"actors": ["trial_add"]},
        "other actor": {"actors": ["trial_fail"]},
        "queue": {"queues": ["default"], "states": ["succeeded", "failed"]},
        "other queue": {"queues": ["email"]},
        "other state": {"states": ["failed"]},
        "off": {"is_enabled": False},
    }.items():
        subscribing.add(Webhook(name=name, url=receiver.url, **wish))
    end()
    told = WebhookDelivery.objects.values_list("webhook__name", flat=True)
    assert sorted(told) == ["actor", "all", "queue"]


def test_deliveries_do_not_tell_of_themselves(receiver, added):
    end()
    (task,) = Task.objects.filter(actor="deliver_webhook")
    assert not task.is_followed
    Task.objects.filter(pk=task.pk).update(is_followed=True)
    cancel(task.pk)
    follow_ends()
    assert WebhookDelivery.objects.count() == 1


def test_tasks_enqueued_before_the_webhook_are_told_of_too(receiver):
    early, other = enqueue("trial_add", a=1, b=1), enqueue("trial_fail", kind="plain")
    webhook = Webhook(name="w", url=receiver.url, actors=["trial_add"])
    subscribing.add(webhook)
    assert subscribing.follow_unfinished(webhook.pk) == 1
    cancel(early)
    cancel(other)
    follow_ends()
    assert WebhookDelivery.objects.get().task_id == early


# --- once for each end ----------------------------------------------------------------


def test_a_follower_that_runs_twice_tells_once(receiver, added):
    task_id = end(webhook=receiver.url)
    assert WebhookDelivery.objects.count() == 2
    announcing.follow([(task_id, State.SUCCEEDED)])
    assert WebhookDelivery.objects.count() == 2
    assert Task.objects.filter(actor="deliver_webhook").count() == 2


def test_followers_that_run_at_the_same_moment_tell_once(receiver, added):
    task_id = enqueue("trial_add", a=1, b=2)
    claiming.succeed(claiming.claim(task_id, None), 3)
    start = threading.Barrier(4)

    def follow():
        start.wait()
        announcing.follow([(task_id, State.SUCCEEDED)])
        follow_ends()
        connection.close()

    threads = [threading.Thread(target=follow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert WebhookDelivery.objects.count() == 1
    assert Task.objects.filter(actor="deliver_webhook").count() == 1


def test_each_end_of_a_task_that_runs_again_is_told(receiver, added):
    task_id = enqueue("trial_add", a=1, b=2)
    cancel(task_id)
    follow_ends()
    retry(task_id)
    claiming.succeed(claiming.claim(task_id, None), 3)
    follow_ends()
    events = WebhookDelivery.objects.values_list("event", flat=True)
    assert sorted(events) == ["task.cancelled", "task.succeeded"]


def test_many_ends_are_told_with_few_statements(
    receiver, added, django_assert_max_num_queries
):
    ids = enqueue_many("trial_add", [{"a": n, "b": 1} for n in range(40)])
    for held in claiming.claim_together(ids, None):
        claiming.succeed(held, 1)
    with django_assert_max_num_queries(30):
        follow_ends()
    assert WebhookDelivery.objects.count() == 40


# --- addresses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://x.example/", "not a web address"),
        ("http://x.example/", "no https:// address"),
        ("https://user:pw@x.example/", "can't hold a user or password"),
        ("https://127.0.0.1/", "private network"),
        ("https://[::1]/", "private network"),
        ("https://169.254.169.254/latest", "private network"),
        ("https://localhost/", "private network"),
        ("https://x.example:25/", "not a web server's port"),
        ("https://x.example/" + "y" * 2000, "at most 2000 characters"),
        (7, "at most 2000 characters"),
    ],
)
def test_an_address_that_can_not_be_told_is_refused_at_once(url, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        enqueue("trial_add", a=1, b=2, webhook=url)
    assert not Task.objects.exists()


def test_dramatiqs_own_way_of_sending_names_an_address_too(receiver):
    message = trial_add.message_with_options(args=(1, 2), webhook=receiver.url)
    trial_add.broker.enqueue(message)
    cancel(Task.objects.get().pk)
    follow_ends()
    assert WebhookDelivery.objects.get().url == receiver.url
    with pytest.raises(InvalidInput, match="no https"):
        trial_add.broker.enqueue(
            trial_add.message_with_options(args=(1, 2), webhook="http://x.example/")
        )
