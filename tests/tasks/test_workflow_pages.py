"""Workflows as people see them: admin, and `manage.py workflow`."""

from __future__ import annotations

import re
import uuid

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.urls import reverse

from tasks import following, workflows
from tasks.models import Node, Task, Workflow
from tasks.workflows import RESULT, chain, group
from tests.tasks.workflow_runs import end, named, run, states

pytestmark = pytest.mark.django_db
LIST = "/admin/tasks/workflow/"
SUBMIT = {"_form_submitted": "True"}


def start_some(count=3, failing=()):
    body = chain(
        named("a"),
        group((named(f"g{n}") for n in range(count)), may_fail=True),
        named("z", before=RESULT),
    )
    workflow_id = workflows.start(body, name="trial of <b>", otherwise=named("bad"))
    run(failing=failing)
    return workflow_id


def button(workflow_id, verb):
    return reverse(f"admin:tasks_workflow_{verb}_one", args=[workflow_id])


def page_of(client, workflow_id):
    return client.get(f"{LIST}{workflow_id}/change/").content.decode()


def test_the_list_needs_no_query_per_row(admin_client, django_assert_max_num_queries):
    for _ in range(15):
        start_some(failing=["g1", "z"])
    with django_assert_max_num_queries(12):
        page = admin_client.get(LIST).content.decode()
    assert page.count("3 of 5") == 15
    assert "Step 3 (trial_step) failed: it broke" in page
    assert "trial of &lt;b&gt;" in page


def test_a_workflows_page_shows_its_tree_with_links_to_its_tasks(admin_client):
    workflow_id = start_some(failing=["g1", "z"])
    page = page_of(admin_client, workflow_id)
    assert "3 of 5 done, 2 failed" in page
    assert "group of 3, may fail" in page
    for node in Node.objects.filter(workflow=workflow_id, kind="step"):
        assert f"/admin/tasks/task/{node.pk}/change/" in page
    assert page.count("failed · ") == 2
    assert page.count("not reached") == 0
    assert "it broke" in page


def test_the_tree_of_a_large_workflow_shows_failures_first_and_names_the_rest(
    admin_client, django_assert_max_num_queries
):
    workflow_id = start_some(count=100, failing=["g77"])
    with django_assert_max_num_queries(25):
        page = page_of(admin_client, workflow_id)
    assert "2.78" in page
    assert "80 not shown" in page
    link = re.search(r'href="([^"]+parent__id__exact=[^"]+)"', page)
    assert link
    rest = admin_client.get(link.group(1)).content.decode()
    assert "100 " in rest


def test_what_a_failure_kept_from_running_is_not_called_waiting(admin_client):
    workflow_id = workflows.start(chain(named("a"), named("b"), named("c")))
    page = page_of(admin_client, workflow_id)
    assert (page.count(">queued<"), page.count(">waiting<")) == (1, 2)
    run(failing="a")
    page = page_of(admin_client, workflow_id)
    assert (page.count(">not reached<"), page.count(">waiting<")) == (2, 0)
    assert 'name="_save"' not in page


def test_a_button_asks_first_and_acts_only_on_post(admin_client):
    workflow_id = start_some(failing=["z"])
    url = button(workflow_id, "retry")
    admin_client.get(url, SUBMIT)
    assert states(workflow_id)[""] == "failed"
    admin_client.post(url, SUBMIT)
    assert states(workflow_id)[""] == "running"
    url = button(workflow_id, "cancel")
    admin_client.get(url, SUBMIT)
    assert states(workflow_id)[""] == "running"
    admin_client.post(url, SUBMIT)
    assert states(workflow_id)[""] == "cancelled"


def test_chosen_workflows_are_cancelled_and_retried(admin_client):
    workflow_id = workflows.start(named("a"))
    for action, state in (("cancel_chosen", "cancelled"), ("retry_chosen", "running")):
        data = {"action": action, "_selected_action": [str(workflow_id)]}
        admin_client.post(LIST, data)
        assert states(workflow_id)[""] == state
    page = admin_client.post(LIST, data, follow=True).content.decode()
    assert "only failed and cancelled workflows can be retried" in page


def test_who_may_only_look_can_change_nothing(client, django_user_model):
    looker = django_user_model.objects.create_user("looker", is_staff=True)
    for name in ("view_workflow", "view_node"):
        looker.user_permissions.add(Permission.objects.get(codename=name))
    client.force_login(looker)
    workflow_id = workflows.start(named("a"))
    assert client.get(f"{LIST}{workflow_id}/change/").status_code == 200
    refused = client.post(button(workflow_id, "cancel"), SUBMIT)
    assert refused.status_code == 403
    client.post(
        LIST, {"action": "cancel_chosen", "_selected_action": [str(workflow_id)]}
    )
    assert states(workflow_id)[""] == "running"


def typed(capsys, *arguments):
    call_command("workflow", *(str(one) for one in arguments))
    return capsys.readouterr().out


def test_the_command_lists_and_shows(capsys):
    workflow_id = start_some(failing=["g1", "z"])
    listed = typed(capsys, "list", "--state", "failed")
    assert listed.split()[:2] == [str(workflow_id), "failed"]
    assert listed.strip().endswith("3 of 5 done, 2 failed")
    assert typed(capsys, "list", "--state", "running") == ""
    shown = typed(capsys, "show", workflow_id, "--wait", 0).splitlines()
    assert shown[:2] == [
        "trial of <b>: failed, 3 of 5 done, 2 failed",
        "Step 3 (trial_step) failed: it broke",
    ]
    assert [line.split()[:2] for line in shown[2:]] == [
        ["chain", "of"], ["1", "trial_step"], ["2", "group"], ["2.1", "trial_step"],
        ["2.2", "trial_step"], ["2.3", "trial_step"], ["3", "trial_step"],
        ["otherwise", "trial_step"],
    ]  # fmt: skip
    assert shown[6].endswith("it broke")


def test_the_command_cancels_and_retries(capsys):
    workflow_id = workflows.start(named("a"))
    assert typed(capsys, "cancel", workflow_id) == f"{workflow_id} is cancelled.\n"
    assert typed(capsys, "retry", workflow_id) == f"{workflow_id} runs again.\n"
    with pytest.raises(CommandError, match="only failed and cancelled"):
        call_command("workflow", "retry", str(workflow_id))
    with pytest.raises(CommandError, match=r"has not ended after 0 s; it goes on"):
        call_command("workflow", "show", str(workflow_id), "--wait", "0")
    with pytest.raises(CommandError, match="There is no workflow"):
        call_command("workflow", "show", str(uuid.uuid4()))
    with pytest.raises(CommandError, match="not a workflow's id"):
        call_command("workflow", "show", "seven")


def test_a_tasks_page_leads_to_its_workflow(admin_client):
    workflow_id = workflows.start(named("a"))
    task = Task.objects.get()
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    assert f"/admin/tasks/workflow/{workflow_id}/change/" in page
    end("a")
    following.follow_ends()
    assert Workflow.objects.get().state == "succeeded"
