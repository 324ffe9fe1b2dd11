"""Where periodiq misses, drops or doubles a planned run: 2.6."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from tests.peers.cases import case
from tests.peers.journal import comes_true

SUNDAY = "2026-11-29T00:00"


@pytest.mark.parametrize("spec", ["0 0 * * 0", "0 0 * * sun", "@weekly"])
@case("2.6", "Sunday is 7 when it looks and 0 as it is written")
def test_what_is_planned_for_sundays_runs_on_a_sunday(system, spec):
    assert system.call("is_due", spec=spec, moment=SUNDAY)


@case("2.6", "it keeps the minute of the next hour's search: 09:30")
def test_the_first_minute_of_an_hour_is_not_skipped(system):
    found = system.call("next_time", spec="0,30 9 * * *", moment="2026-11-25T08:10")
    assert found == "2026-11-25T09:00"


@case("2.6", "its next time skips earlier ones, or is one at which it does not run")
def test_the_next_time_is_the_first_at_which_the_expression_holds(system):
    dice = random.Random(7)
    after = datetime(2026, 11, 25, 8, 10)
    wrong = {}
    for _ in range(100):
        spec = _ordinary(dice)
        found = system.call("next_time", spec=spec, moment=f"{after:%Y-%m-%dT%H:%M}")
        if found != f"{_first(spec, after):%Y-%m-%dT%H:%M}":
            wrong[spec] = found
    assert not wrong


def _ordinary(dice: random.Random) -> str:
    """Return an expression as people write them: some minutes, hours, days, months."""

    def some(low, high):
        return ",".join(map(str, sorted(dice.sample(range(low, high + 1), 2))))

    return " ".join(
        (
            dice.choice(["0", some(0, 59)]),
            dice.choice(["*", some(0, 23)]),
            dice.choice(["*", some(1, 28)]),
            dice.choice(["*", some(1, 12)]),
            "*",
        )
    )


def _first(spec: str, after: datetime) -> datetime:
    """Return the first minute after `after` that fits, day by day."""
    minutes, hours, days, months = (
        None if field == "*" else {int(value) for value in field.split(",")}
        for field in spec.split()[:4]
    )
    day = after.replace(hour=0, minute=0)
    while True:
        if (days is None or day.day in days) and (
            months is None or day.month in months
        ):
            for hour in sorted(hours or range(24)):
                for minute in sorted(minutes or range(60)):
                    found = day.replace(hour=hour, minute=minute)
                    if found > after:
                        return found
        day += timedelta(days=1)


@case("2.6", "a run that a worker gets later than 30 s is skipped and acknowledged")
def test_a_run_that_is_late_runs_all_the_same(system):
    system.call("plan", actor="periodic", name="2.6 late", seconds_ago=31)
    assert system.runs("2.6 late")


@case("2.6", "the retry is later than 30 s and skipped")
def test_a_planned_run_that_failed_is_tried_again(system):
    system.call(
        "plan", actor="periodic_failing_once", name="2.6 failing", seconds_ago=28.5
    )
    # Plain Dramatiq's comes after 2 to 4 s, and the delay queue's turn.
    assert comes_true(lambda: system.journal.count("ran", "2.6 failing"), 6.0)


@case("2.6", "each scheduler sends the run")
def test_two_schedulers_plan_a_run_once(system):
    system.call("plan_with_two_schedulers", actor="periodic_in_two_schedulers")
    assert system.runs("planned by two")
    assert not comes_true(
        lambda: system.journal.count("ran", "planned by two") > 1, 0.7
    )


@case("2.6", "a scheduler that was not there at the time does not look back")
def test_a_run_that_a_downtime_missed_is_made_up(system):
    system.call("plan_after_downtime", actor="periodic_in_a_downtime")
    assert system.runs("planned in a downtime")


@case("2.6", "the scheduler ends when it can't send")
def test_a_run_comes_although_rabbitmq_was_away_at_its_time(system):
    system.plan_in_an_outage()
    assert system.runs("planned in an outage")
