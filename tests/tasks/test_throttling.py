"""People steer queues, and real workers obey."""

from __future__ import annotations

import contextlib
import time

import pytest
from django.core.management import CommandError, call_command

from fliptech_site.errors import InvalidInput
from tasks import throttling
from tasks.enqueueing import enqueue, enqueue_many
from tasks.gating import WATCH_SECONDS
from tasks.models import Attempt, Queue, Task, Worker
from tasks.publishing import Delivery, Publisher
from tasks.states import FINISHED, State

PAIR = {"a": 1, "b": 2}


def state_of(task_id):
    return Task.objects.get(pk=task_id).state


# --- people -----------------------------------------------------------------------


@pytest.mark.django_db
def test_queues_are_steered_from_the_command_line(capsys):
    call_command("queue", "pause", "default", "email")
    call_command("queue", "resume", "email")
    call_command("queue", "drain", "ai")
    call_command("queue", "rate", "scraper", "90")
    call_command("queue", "concurrency", "scraper", "4")
    rows = {
        line.split()[0]: line.split()
        for line in capsys.readouterr().out.split("\n")[-6:-1]
    }
    assert [rows[name][2] for name in ("default", "email", "ai")] == [
        "paused",
        "open",
        "draining",
    ]
    assert rows["scraper"][3:5] == ["90", "4"]
    call_command("queue", "rate", "scraper", "none")
    assert Queue.objects.get(name="scraper").rate_per_minute is None


@pytest.mark.django_db
def test_what_no_queue_can_be_told_is_one_sentence():
    with pytest.raises(CommandError, match="no queue 'mail': use one of email"):
        call_command("queue", "pause", "mail")
    with pytest.raises(InvalidInput, match="greater than or equal to 1"):
        throttling.limit_rate("email", 0)
    with pytest.raises(InvalidInput, match="less than or equal to 10000"):
        throttling.limit_concurrency("email", 20_000)
    assert not Queue.objects.exists()


@pytest.mark.django_db
def test_queues_are_steered_in_admin(admin_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        page = admin_client.get("/admin/tasks/queue/").content.decode()
    assert "scraper" in page
    data = {"action": "pause_queues", "_selected_action": ["email", "ai"]}
    admin_client.post("/admin/tasks/queue/", data)
    assert Queue.objects.filter(is_paused=True).count() == 2
    admin_client.post("/admin/tasks/queue/", data | {"action": "resume_queues"})
    assert not Queue.objects.filter(is_paused=True).exists()
    form = {"rate_per_minute": "30", "concurrency": ""}
    admin_client.post("/admin/tasks/queue/email/change/", form)
    assert Queue.objects.get(name="email").rate_per_minute == 30
    admin_client.post("/admin/tasks/queue/email/change/", {"rate_per_minute": "0"})
    assert Queue.objects.get(name="email").rate_per_minute == 30


@pytest.mark.django_db
def test_a_user_who_may_only_look_can_pause_nothing(client, django_user_model):
    from django.contrib.auth.models import Permission

    looker = django_user_model.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_queue"))
    client.force_login(looker)
    data = {"action": "pause_queues", "_selected_action": ["email"]}
    client.post("/admin/tasks/queue/", data)
    assert not Queue.objects.filter(is_paused=True).exists()


# --- real processes -----------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_real_workers_obey_within_two_seconds(rabbitmq, start_process, wait_until):
    start_process("scheduler")
    for _ in range(2):
        start_process("worker", "--queues=default", "--threads=2")
    wait_until(lambda: Worker.objects.count() == 2)
    first = enqueue("trial_add", **PAIR)
    wait_until(lambda: state_of(first) in FINISHED)

    throttling.pause("default")
    paused_at = time.monotonic()
    # The promise is a time, so time it is that is waited for.
    wait_until(lambda: time.monotonic() > paused_at + WATCH_SECONDS)
    begun = Task.objects.filter(attempt__gt=0).count()
    held = enqueue_many("trial_add", [PAIR] * 50)
    with contextlib.closing(Publisher()) as publisher:
        # Published all the same, as by a process that has not looked yet.
        publisher.publish(Delivery(one, "trial_add", "default", 5) for one in held)
    of_these = Task.objects.filter(pk__in=held)
    wait_until(lambda: of_these.filter(state=State.SCHEDULED).count() == 50)
    assert Task.objects.filter(attempt__gt=0).count() == begun

    throttling.resume("default")
    wait_until(lambda: not Task.objects.exclude(state=State.SUCCEEDED).exists())
    assert set(Task.objects.values_list("attempt", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_real_workers_never_run_more_than_the_queue_allows(
    rabbitmq, start_process, wait_until
):
    # Set before the workers start, so that none of them has to look first.
    throttling.limit_concurrency("default", 2)
    start_process("scheduler")
    for _ in range(2):
        start_process("worker", "--queues=default", "--threads=4")
    wait_until(lambda: Worker.objects.count() == 2)
    ids = enqueue_many("trial_sleep", [{"seconds": 0.2}] * 12)
    wait_until(lambda: Task.objects.filter(state__in=FINISHED).count() == 12)
    spans = Attempt.objects.filter(task__in=ids).values_list(
        "started_at", "finished_at"
    )
    assert (
        max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)
        == 2
    )
