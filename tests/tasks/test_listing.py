"""The list of tasks in admin: counted up to a limit, walked through without an end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tasks.admin.listing import CountedPages
from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import Task
from tasks.searching import matching
from tasks.states import State

pytestmark = pytest.mark.django_db

LIST = "/admin/tasks/task/"


@pytest.fixture
def get(admin_client):
    def fetch(query=""):
        page = admin_client.get(LIST + query)
        assert page.status_code == 200
        return page

    return fetch


def shown(page):
    return [task.pk for task in page.context["cl"].result_list]


def found(text):
    return set(matching(Task.objects.all(), text).values_list("pk", flat=True))


def test_a_short_list_says_how_many_there_are(get):
    enqueue_many("trial_add", [{"a": 1, "b": 2}] * 30)
    page = get()
    assert re.search(r"\b30\s+tasks", page.content.decode())
    assert "Older" not in page.content.decode()
    assert len(shown(page)) == 20


def test_a_long_list_stops_counting_and_leads_on_to_the_oldest(get, monkeypatch):
    monkeypatch.setattr(CountedPages, "LIMIT", 50)
    # Born in one moment, as all of one statement are.
    wanted = set(enqueue_many("trial_add", [{"a": 1, "b": 2}] * 120))
    assert re.search(r"more than 50\s+tasks", get().content.decode())
    seen, query = [], "?state__exact=queued"
    while query:
        page, older = get(query), ""
        for number in range(1, page.context["cl"].paginator.num_pages + 1):
            assert not older, "older ones come behind the last counted page"
            page = get(page.context["cl"].get_query_string({"p": number}))
            seen += shown(page)
            older = page.context["cl"].older
        query = older
    assert len(seen) == 120, "some were shown twice or left out"
    assert set(seen) == wanted


def test_an_action_on_all_is_one_on_those_that_were_counted(admin_client, monkeypatch):
    monkeypatch.setattr(CountedPages, "LIMIT", 30)
    tasks = enqueue_many("trial_add", [{"a": 1, "b": 2}] * 40)
    data = {
        "action": "cancel_tasks",
        "select_across": "1",
        "_selected_action": [str(tasks[0])],
    }
    page = admin_client.post(LIST, data, follow=True)
    assert Task.objects.filter(state=State.CANCELLED).count() == 30
    assert "30 results" not in page.content.decode()


def test_a_list_behind_a_pruned_task_begins_anew(get):
    task_id = enqueue("trial_add", a=1, b=2)
    assert shown(get("?before=00000000-0000-7000-8000-000000000000")) == [task_id]
    assert shown(get("?before=nonsense")) == [task_id]


def test_no_order_but_the_newest_first_can_be_asked_for(get):
    old, new = (enqueue("trial_add", a=n, b=2) for n in range(2))
    Task.objects.filter(pk=old).update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    for order in ("", "?o=1", "?o=-6", "?_facets=True"):
        assert shown(get(order)) == [new, old]


def test_filters_offer_what_is_declared_and_not_what_the_table_holds(get):
    Task.objects.create(actor="gone", queue="gone", state=State.FAILED)
    page = get().content.decode()
    assert "trial_sleep" in page
    assert "queue=scraper" in page
    assert "queue=gone" not in page
    assert len(shown(get("?actor=gone"))) == 1


def test_the_filter_for_the_time_reads_the_pages_time_zone(get, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    task_id = enqueue("trial_add", a=1, b=2)
    born = datetime(2026, 1, 1, 11, 30, tzinfo=UTC)
    Task.objects.filter(pk=task_id).update(created_at=born)
    until = "?created_at_to_0=2026-01-01&created_at_to_1="
    assert shown(get(f"{until}12:31:00")) == [task_id]
    assert shown(get(f"{until}12:29:00")) == []
    since = "?created_at_from_0=2026-01-01&created_at_from_1="
    assert shown(get(f"{since}12:31:00")) == []
    assert shown(get("?created_at_from_0=never")) == [task_id]


def test_an_id_finds_its_task_and_all_that_it_set_going():
    root = enqueue("trial_add", a=1, b=2)
    child = enqueue("trial_add", a=1, b=2)
    enqueue("trial_add", a=1, b=2)
    Task.objects.filter(pk=child).update(root_id=root)
    assert found(f" {root} ") == {root, child}
    assert found(root.hex) == {root, child}
    assert found(str(child)) == {child}


def test_a_part_of_an_actors_name_finds_its_tasks():
    task_id = enqueue("trial_sleep", seconds=1)
    enqueue("trial_add", a=1, b=2)
    assert found("L_SLEEP") == {task_id}


def test_the_beginning_of_a_key_finds_its_task():
    task_id = enqueue("trial_add", a=1, b=2, unique_key="scrape:sfbay_1:bbb")
    enqueue("trial_add", a=1, b=2, unique_key="scrape:sfbayX1:bbb")
    assert found("scrape:sfbay_1") == {task_id}
    assert found("sfbay_1") == set()


def test_words_of_an_error_are_found_in_the_newest_failures(monkeypatch):
    def failed(message, age):
        born = datetime.now(UTC) - timedelta(hours=age)
        return Task.objects.create(
            actor="trial_add", queue="default", state=State.FAILED,
            error_message=message, created_at=born,
        ).pk  # fmt: skip

    new, old = failed("The mailbox is FULL (552)", 1), failed("full again", 2)
    failed("100 %", 3)
    assert found("full") == {new, old}
    assert found("%") != {new, old}, "a percent sign is no wildcard"
    monkeypatch.setattr("tasks.searching.ERRORS_READ", 1)
    assert found("full") == {new}


def test_a_word_may_name_an_actor_and_stand_in_an_error_as_well():
    sleeper = enqueue("trial_sleep", seconds=1)
    other = Task.objects.create(
        actor="trial_add", queue="default", state=State.FAILED, error_message="No sleep"
    )
    assert found("sleep") == {sleeper, other.pk}
    assert found("trial_sleep") == {sleeper}


def test_an_empty_search_hides_nothing():
    task_id = enqueue("trial_add", a=1, b=2)
    assert found("  ") == {task_id}


def test_a_task_that_was_put_off_a_hundred_times_has_a_short_page(admin_client):
    task = Task.objects.create(actor="trial_add", queue="default", state=State.FAILED)
    now = datetime.now(UTC)
    for number in range(1, 101):
        task.attempts.create(
            number=number,
            outcome="deferred",
            due_at=now,
            started_at=now,
            finished_at=now,
        )
    page = admin_client.get(f"{LIST}{task.pk}/change/")
    formset = page.context["inline_admin_formsets"][0].formset
    numbers = [form.instance.number for form in formset.forms]
    assert numbers == list(range(100, 80, -1))
