"""People steer queues, and real workers obey."""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Max

from fliptech_site.errors import InvalidInput
from tasks import throttling
from tasks.enqueueing import enqueue, enqueue_many
from tasks.gating import WATCH_SECONDS
from tasks.models import Actor, Attempt, Queue, Task, Worker
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
def test_actors_are_steered_from_the_command_line(capsys):
    call_command("queue", "rate", "--actor", "trial_add", "30")
    call_command("queue", "concurrency", "trial_add", "2", "--actor")
    call_command("queue", "pause", "--actor", "trial_sleep")
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["trial_add", "open", "30", "2", "0", "0", "0"] in shown
    assert ["trial_sleep", "paused", "–", "–", "0", "0", "0"] in shown
    call_command("queue", "resume", "--actor", "trial_sleep")
    call_command("queue", "list")
    assert "trial_sleep" not in capsys.readouterr().out
    with pytest.raises(CommandError, match="no actor 'trial_ad'"):
        call_command("queue", "pause", "--actor", "trial_ad")


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
    data = {"action": "pause_chosen", "_selected_action": ["email", "ai"]}
    admin_client.post("/admin/tasks/queue/", data)
    assert Queue.objects.filter(is_paused=True).count() == 2
    admin_client.post("/admin/tasks/queue/", data | {"action": "resume_chosen"})
    assert not Queue.objects.filter(is_paused=True).exists()
    form = {"rate_per_minute": "30", "concurrency": ""}
    admin_client.post("/admin/tasks/queue/email/change/", form)
    assert Queue.objects.get(name="email").rate_per_minute == 30
    admin_client.post("/admin/tasks/queue/email/change/", {"rate_per_minute": "0"})
    assert Queue.objects.get(name="email").rate_per_minute == 30


@pytest.mark.django_db
def test_actors_are_steered_in_admin(admin_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        page = admin_client.get("/admin/tasks/actor/?q=trial_add").content.decode()
    assert "trial_add" in page
    data = {"action": "pause_chosen", "_selected_action": ["trial_add"]}
    admin_client.post("/admin/tasks/actor/", data)
    assert Actor.objects.get(name="trial_add").status == "paused"
    rows = admin_client.get("/admin/tasks/actor/").context["cl"].result_list
    assert rows[0].name == "trial_add", "what is shut stands first"
    admin_client.post("/admin/tasks/actor/", data | {"action": "resume_chosen"})
    form = {"rate_per_minute": "", "concurrency": "4"}
    admin_client.post("/admin/tasks/actor/trial_add/change/", form)
    row = Actor.objects.get(name="trial_add")
    assert (row.status, row.rate_per_minute, row.concurrency) == ("open", None, 4)


@pytest.mark.django_db
def test_a_user_who_may_only_look_can_pause_nothing(client, django_user_model):
    from django.contrib.auth.models import Permission

    looker = django_user_model.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_queue"))
    client.force_login(looker)
    data = {"action": "pause_chosen", "_selected_action": ["email"]}
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
    # A scheduler may plan a standing order meanwhile.
    trials = Task.objects.filter(actor__startswith="trial_")
    begun = trials.filter(attempt__gt=0).count()
    held = enqueue_many("trial_add", [PAIR] * 50)
    with contextlib.closing(Publisher()) as publisher:
        # Published all the same, as by a process that has not looked yet.
        publisher.publish(Delivery(one, "trial_add", "default", 5) for one in held)
    of_these = Task.objects.filter(pk__in=held)
    wait_until(lambda: of_these.filter(state=State.SCHEDULED).count() == 50)
    assert trials.filter(attempt__gt=0).count() == begun

    throttling.resume("default")
    wait_until(lambda: not trials.exclude(state=State.SUCCEEDED).exists())
    assert set(trials.values_list("attempt", flat=True)) == {1}


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
    mine = Task.objects.filter(pk__in=ids, state__in=FINISHED)
    wait_until(lambda: mine.count() == 12)
    spans = Attempt.objects.filter(task__in=ids).values_list(
        "started_at", "finished_at"
    )
    assert (
        max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)
        == 2
    )


@pytest.mark.django_db(transaction=True)
def test_real_workers_keep_an_actors_limits_and_run_the_others_beside(
    rabbitmq, start_process, wait_until
):
    # Set before the workers start, so that none of them has to look first.
    throttling.limit_concurrency("trial_sleep", 2, Actor)
    throttling.limit_rate("trial_log", 120, Actor)
    start_process("scheduler")
    for _ in range(3):
        start_process("worker", "--queues=default", "--threads=4")
    wait_until(lambda: Worker.objects.count() == 3)
    slow = enqueue_many("trial_sleep", [{"seconds": 0.5}] * 10, priority=9)
    paced = enqueue_many("trial_log", [{"lines": 1}] * 6)
    free = enqueue_many("trial_add", [PAIR] * 200, priority=1)
    # The scheduler's standing orders come beside these.
    mine = Task.objects.filter(pk__in=[*slow, *paced, *free])
    done = mine.filter(state=State.SUCCEEDED)
    wait_until(lambda: done.count() == 216)
    ends = {
        name: mine.filter(pk__in=ids).aggregate(last=Max("finished_at"))["last"]
        for name, ids in (("slow", slow), ("free", free))
    }
    assert ends["free"] < ends["slow"], "nobody waits for the limited ones"
    assert set(mine.values_list("failures", "rescues")) == {(0, 0)}
    spans = Attempt.objects.filter(task__in=slow, outcome="succeeded").values_list(
        "started_at", "finished_at"
    )
    at_once = [sum(a <= moment < b for a, b in spans) for moment, _ in spans]
    assert max(at_once) == 2
    begun = sorted(
        Task.objects.filter(pk__in=paced).values_list("started_at", flat=True)
    )
    for number, moment in enumerate(begun):
        # 120 per minute: 2 in a burst, then one each half second.
        in_window = sum(moment <= one < moment + timedelta(seconds=1) for one in begun)
        assert in_window <= 4, number
    assert begun[-1] - begun[0] >= timedelta(seconds=(6 - 2) * 0.5 - 0.05)


@pytest.mark.django_db(transaction=True)
def test_real_workers_obey_the_pause_of_an_actor_within_two_seconds(
    rabbitmq, start_process, wait_until
):
    start_process("scheduler")
    for _ in range(2):
        start_process("worker", "--queues=default", "--threads=2")
    wait_until(lambda: Worker.objects.count() == 2)
    first = enqueue("trial_add", **PAIR)
    wait_until(lambda: state_of(first) in FINISHED)
    throttling.pause("trial_add", Actor)
    paused_at = time.monotonic()
    wait_until(lambda: time.monotonic() > paused_at + WATCH_SECONDS)
    held = enqueue_many("trial_add", [PAIR] * 30)
    with contextlib.closing(Publisher()) as publisher:
        publisher.publish(Delivery(one, "trial_add", "default", 5) for one in held)
    free = enqueue("trial_log", lines=1)
    of_these = Task.objects.filter(pk__in=held)
    wait_until(lambda: of_these.filter(state=State.SCHEDULED).count() == 30)
    wait_until(lambda: state_of(free) == State.SUCCEEDED)
    assert set(of_these.values_list("attempt", flat=True)) == {0}
    throttling.resume("trial_add", Actor)
    wait_until(lambda: not of_these.exclude(state=State.SUCCEEDED).exists())
    assert set(of_these.values_list("attempt", flat=True)) == {1}
