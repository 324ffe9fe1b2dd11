"""Admin, health and metrics."""

from __future__ import annotations

import pytest

from tasks.enqueueing import enqueue
from tasks.leases import concurrency
from tasks.limits import reserve
from tasks.models import Schedule, Task, Worker
from tasks.states import State

pytestmark = pytest.mark.django_db


def test_the_list_of_tasks_needs_no_query_per_row(
    admin_client, django_assert_max_num_queries
):
    for _ in range(30):
        enqueue("trial_add", a=1, b=2)
    with django_assert_max_num_queries(12):
        page = admin_client.get("/admin/tasks/task/")
    assert page.status_code == 200
    assert b"pending" in page.content


def test_a_tasks_page_escapes_what_its_error_says(admin_client):
    task = Task.objects.create(
        actor="trial_add",
        queue="default",
        state=State.FAILED,
        error_message="<script>x</script>",
    )
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    assert "&lt;script&gt;x" in page
    assert "<script>x" not in page


def act(client, action, *ids):
    return client.post(
        "/admin/tasks/task/",
        {"action": action, "_selected_action": [str(one) for one in ids]},
    )


def test_admin_cancels_and_retries(admin_client):
    task_id = enqueue("trial_add", a=1, b=2)
    act(admin_client, "cancel_tasks", task_id)
    assert Task.objects.get(pk=task_id).state == State.CANCELLED
    act(admin_client, "retry_tasks", task_id)
    assert Task.objects.get(pk=task_id).state == State.QUEUED


def test_a_user_who_may_only_look_can_cancel_nothing(client, django_user_model):
    from django.contrib.auth.models import Permission

    looker = django_user_model.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_task"))
    client.force_login(looker)
    task_id = enqueue("trial_add", a=1, b=2)
    act(client, "cancel_tasks", task_id)
    assert Task.objects.get(pk=task_id).state == State.QUEUED


def test_a_schedule_is_run_now_and_edited(admin_client):
    schedule = Schedule.objects.create(
        name="sum", actor="trial_add", kwargs={"a": 1, "b": 2}, cron="0 0 1 1 *"
    )
    data = {"action": "run_now", "_selected_action": [schedule.pk]}
    admin_client.post("/admin/tasks/schedule/", data)
    assert Task.objects.get().kwargs == {"a": 1, "b": 2}
    form = {
        "name": "sum", "actor": "trial_add", "kwargs": '{"a": 1, "b": 2}',
        "cron": "*/5 * * * *", "timezone": "UTC", "is_enabled": "on",
        "misfire": "skip", "overlap": "queue",
    }  # fmt: skip
    admin_client.post(f"/admin/tasks/schedule/{schedule.pk}/change/", form)
    schedule.refresh_from_db()
    assert schedule.next_run_at is not None
    page = admin_client.post(
        f"/admin/tasks/schedule/{schedule.pk}/change/", form | {"cron": "often"}
    )
    assert "is not a cron expression" in page.content.decode()


def test_health_and_metrics_answer_without_a_login(client):
    assert client.get("/healthz").json() == {"status": "ok", "database": "ok"}
    enqueue("trial_add", a=1, b=2)
    Worker.objects.create(host="h", pid=1, threads=1)
    text = client.get("/metrics").content.decode()
    assert 'fliptech_tasks_queue_depth{queue="default"} 1.0' in text
    labels = '{actor="trial_add",queue="default"}'
    assert f"fliptech_tasks_enqueued_total{labels} 1.0" in text
    assert 'fliptech_tasks_oldest_waiting_seconds{queue="default"}' in text
    assert "fliptech_tasks_worker_processes 1.0" in text


def test_leases_and_paces_can_be_looked_at_and_not_changed(admin_client):
    with concurrency("email:account:7", limit=1) as lease:
        reserve("email:account:7", interval_seconds=60)
        for page in ("lease", "pace"):
            assert "email:account:7" in admin_client.get(f"/admin/tasks/{page}/").text
            assert admin_client.get(f"/admin/tasks/{page}/add/").status_code == 403
        page = f"/admin/tasks/lease/{lease.number}/change/"
        assert admin_client.post(page, {"key": "x"}).status_code == 403
