"""Cron's times, against a walk through real minutes that knows nothing of our reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from tasks.crontab import in_words, next_run, next_runs, preview

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
HORIZON = timedelta(days=12)
SPRING = datetime(2026, 3, 28, 20, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 20, tzinfo=UTC)


@st.composite
def fields(draw, low, high, names=()):
    """One field as text, with the values it names."""
    texts, values = [], set()
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(low, high))
        last = draw(st.integers(first, high))
        step = draw(st.integers(1, 12))
        kind = draw(st.sampled_from(["one", "range", "step", "name", "star"]))
        if kind == "name" and names:
            text = names[first - low]
            text, found = draw(st.sampled_from([text, text.upper()])), {first}
        elif kind == "range":
            text, found = f"{first}-{last}", set(range(first, last + 1))
        elif kind == "step":
            text, found = f"{first}-{last}/{step}", set(range(first, last + 1, step))
        elif kind == "star" and not texts:
            text, found = f"*/{step}", set(range(low, high + 1, step))
        else:
            text, found = str(first), {first}
        texts.append(text)
        values |= found
    return draw(
        st.sampled_from(
            [("*", set(range(low, high + 1)))] + [(",".join(texts), values)] * 2
        )
    )


EXPRESSIONS = st.tuples(
    fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12, MONTHS), fields(0, 6, DAYS)
)  # fmt: skip
MOMENTS = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 3, 1), timezones=st.just(UTC)),
    st.sampled_from([SPRING, AUTUMN, datetime(2026, 11, 1, tzinfo=UTC)]),
)


def walk(expression, zone, after):
    """The first real minute after `after` whose wall time matches and is new."""
    (_, minutes), (_, hours), (dom, days), (_, months), (dow, weekdays) = expression
    is_either = not dom.startswith("*") and not dow.startswith("*")
    moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while moment <= after + HORIZON:
        wall = moment.astimezone(zone)
        by_day, by_weekday = wall.day in days, wall.isoweekday() % 7 in weekdays
        if (
            wall.minute in minutes
            and wall.hour in hours
            and wall.month in months
            and (by_day or by_weekday if is_either else by_day and by_weekday)
            and (not wall.fold or len(hours) == 24)
        ):
            return moment
        moment += timedelta(minutes=1)
    return None


@given(EXPRESSIONS, st.sampled_from(["Europe/Berlin", "America/New_York"]), MOMENTS)
@example(
    [("0", {0}), ("0", {0}), ("13", {13}), ("*", set(range(1, 13))), ("5", {5})],
    "Europe/Berlin",
    AUTUMN,
)
@example(
    [
        ("*", set(range(60))),
        ("*", set(range(24))),
        ("*", set(range(1, 32))),
        ("*", set(range(1, 13))),
        ("1", {1}),
    ],
    "Europe/Berlin",
    SPRING,
)
@settings(deadline=None, max_examples=120)
def test_next_runs_agree_with_a_walk_through_the_minutes(expression, zone, after):
    wanted = walk(expression, ZoneInfo(zone), after)
    cron = " ".join(text for text, _ in expression)
    try:
        found = next_run(cron, zone, after)
    except InvalidInput:
        found = None
    if wanted is None:
        assert found is None or found > after + HORIZON
    else:
        assert found == wanted


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "30 1 * * *", "*/20 0-22 * * *"])
@pytest.mark.parametrize(
    "start", [SPRING, AUTUMN, datetime(2026, 3, 7, 20, tzinfo=UTC)]
)
def test_a_wall_time_runs_once_if_it_exists_and_never_twice(zone, cron, start):
    runs = list(islice(next_runs(cron, zone, start), 200))
    walls = [run.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for run in runs]
    assert len(set(walls)) == len(walls)
    assert runs == sorted(runs)


@pytest.mark.parametrize("cron", ["* * * * *", "*/20 * * * *"])
def test_what_runs_in_every_hour_runs_in_the_repeated_one_too(cron):
    step = timedelta(minutes=20 if "20" in cron else 1)
    runs = list(islice(next_runs(cron, "Europe/Berlin", AUTUMN), 200))
    assert {later - sooner for sooner, later in pairwise(runs)} == {step}


def test_a_wall_time_that_is_left_out_does_not_run_that_day():
    runs = preview("30 2 * * *", "Europe/Berlin", SPRING, 2)
    assert runs == ["Mon 30 Mar 2026 02:30 CEST", "Tue 31 Mar 2026 02:30 CEST"]


def test_either_of_two_restricted_days_is_enough():
    runs = preview("0 0 13 * fri", "UTC", datetime(2026, 4, 2, tzinfo=UTC), 3)
    assert [run[:6] for run in runs] == ["Fri 03", "Fri 10", "Mon 13"]


@pytest.mark.parametrize(
    "cron",
    [
        "0-99999999999 * * * *", "*/0 * * * *", "*/999999999999 * * * *", "9" * 100_000,
        "* " * 50_000, "5-1 * * * *", "0 0 L * *", "0 0 * * 1#2", "٣ * * * *",
        "0 0 0 * *", "0 0 * 13 *", "0 24 * * *", "mon * * * *", ", * * * *",
    ],
)  # fmt: skip
def test_no_text_can_make_it_large_or_slow(cron):
    with pytest.raises(
        InvalidInput, match="not a cron expression of five fields"
    ) as told:
        next_run(cron, "UTC", AUTUMN)
    assert len(str(told.value)) < 400


@given(st.text("0123456789*-/, @monjaLW#?", max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        assert next_run(text, "UTC", AUTUMN) > AUTUMN
    except InvalidInput:
        return
    assert in_words(text)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("*/5 * * * *", "Every 5 minutes"),
        ("30 9 * * 1-5", "At 09:30, Monday through Friday"),
        ("@weekly", "At 00:00, only on Sunday"),
        ("0 9 1 * mon", "At 09:00, on day 1 of the month, or on Monday"),
    ],
)
def test_an_expression_is_said_in_words(cron, words):
    assert in_words(cron) == words
