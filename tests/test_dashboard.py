"""Admin's first page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from tasks.models import Task
from tasks.states import State

pytestmark = pytest.mark.django_db


def test_the_first_page_shows_the_funnel_in_few_queries(
    admin_client, django_assert_max_num_queries
):
    Task.objects.create(actor="debug_task", queue="default", state=State.QUEUED)
    with django_assert_max_num_queries(16):
        page = admin_client.get("/admin/").content.decode()
    for title in ("Leads found", "Demo sites up", "E-mails sent", "Workers alive"):
        assert title in page
    assert "start manage.py workers" in page


def test_figures_are_shown_to_those_who_may_see_their_pages(client, django_user_model):
    looker = django_user_model.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_task"))
    client.force_login(looker)
    page = client.get("/admin/").content.decode()
    assert "Tasks on their way" in page
    assert "Leads found" not in page
