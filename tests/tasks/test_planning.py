"""Standing orders: the right times, each run once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from tasks.crontab import next_run
from tasks.models import Schedule, Task
from tasks.planning import plan_due, sync_declared

#: SPEC, section 3.
THE_SEVEN = {
    "process_scheduled_campaigns": "* * * * *",
    "update_campaign_metrics": "*/5 * * * *",
    "monitor_scraper_jobs": "*/10 * * * *",
    "retry_failed_emails": "*/15 * * * *",
    "cleanup_old_task_results": "0 * * * *",
    "generate_daily_analytics": "0 1 * * *",
    "cleanup_old_scraper_data": "0 3 * * *",
}


def reference_next(minutes, hours, weekdays, after):
    """Walk minute by minute: slow, and independent of any cron library."""
    moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while not (
        moment.minute in minutes
        and moment.hour in hours
        and moment.isoweekday() % 7 in weekdays
    ):
        moment += timedelta(minutes=1)
    return moment


@given(
    st.sets(st.integers(0, 59), min_size=1, max_size=4),
    st.sets(st.integers(0, 23), min_size=1, max_size=4),
    st.sets(st.integers(0, 6), min_size=1, max_size=3),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
)
def test_next_runs_agree_with_a_walk_through_the_minutes(
    minutes, hours, weekdays, after
):
    fields = [",".join(map(str, sorted(one))) for one in (minutes, hours, weekdays)]
    cron = f"{fields[0]} {fields[1]} * * {fields[2]}"
    assert next_run(cron, "UTC", after) == reference_next(
        minutes, hours, weekdays, after
    )


@pytest.mark.parametrize("sunday", ["0", "7", "sun"])
def test_sunday_is_sunday_in_each_way_to_write_it(sunday):
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert next_run(f"0 0 * * {sunday}", "UTC", friday) == datetime(
        2026, 11, 22, tzinfo=UTC
    )


def test_weekday_ranges_and_steps_count_from_sunday():
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert next_run("0 9 * * 1-5", "UTC", sunday).isoweekday() == 1
    assert next_run("0 9 * * */2", "UTC", sunday).isoweekday() == 2


def test_a_local_time_moves_with_daylight_saving():
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    first = next_run("0 9 * * *", "Europe/Berlin", before - timedelta(days=1))
    second = next_run("0 9 * * *", "Europe/Berlin", before)
    assert (first.hour, second.hour) == (7, 8)
    assert second.astimezone(ZoneInfo("Europe/Berlin")).hour == 9


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "61 * * * *", "0 0 30 2 *", "nonsense", "0 0 * * 9"]
)
def test_an_expression_without_sense_is_refused(cron):
    with pytest.raises(InvalidInput, match="cron expression|no time at which"):
        next_run(cron, "UTC", datetime(2026, 1, 1, tzinfo=UTC))


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(InvalidInput, match="no time zone 'Mars/Base'"):
        next_run("* * * * *", "Mars/Base", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.django_db
def test_the_seven_of_the_specification_are_declared():
    sync_declared()
    sync_declared()
    rows = dict(Schedule.objects.filter(is_declared=True).values_list("name", "cron"))
    assert {name: rows.get(name) for name in THE_SEVEN} == THE_SEVEN


def make_schedule(next_run_at):
    return Schedule.objects.create(
        name="sum",
        actor="trial_add",
        kwargs={"a": 1, "b": 2},
        cron="*/5 * * * *",
        next_run_at=next_run_at,
    )


@pytest.mark.django_db
def test_a_planned_run_is_one_task_however_often_it_is_planned():
    now = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)
    planned = now.replace(minute=0)
    schedule = make_schedule(planned)
    assert plan_due(now) == 1
    Schedule.objects.update(next_run_at=planned)
    assert plan_due(now) == 0
    assert Task.objects.get().planned_at == planned
    schedule.refresh_from_db()
    assert schedule.next_run_at == now.replace(minute=5)


@pytest.mark.django_db
def test_after_a_downtime_the_missed_runs_are_made_up_by_one():
    now = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)
    make_schedule(now - timedelta(days=3))
    assert plan_due(now) == 1
    assert plan_due(now) == 0


@pytest.mark.django_db
def test_a_paused_schedule_plans_nothing():
    now = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)
    make_schedule(now - timedelta(minutes=1))
    Schedule.objects.update(is_enabled=False)
    assert plan_due(now) == 0


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_plan_a_run_once():
    now = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)
    make_schedule(now - timedelta(minutes=1))
    barrier = threading.Barrier(4)

    def run():
        barrier.wait()
        plan_due(now)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Task.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("actor", "nobody", "no actor"),
        ("cron", "often", "cron expression"),
        ("kwargs", {"c": 1}, "can't be called"),
        ("timezone", "Mars", "no time zone"),
    ],
)
def test_a_schedule_that_can_not_run_is_refused_in_its_form(field, value, told):
    schedule = Schedule(
        name="x", actor="trial_add", kwargs={"a": 1, "b": 2}, cron="* * * * *"
    )
    setattr(schedule, field, value)
    with pytest.raises(ValidationError, match=told):
        schedule.full_clean()
