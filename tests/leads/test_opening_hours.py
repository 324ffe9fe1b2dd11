"""Opening hours in structured data, in one spelling whatever the site's is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.opening_hours import opening_hours


def hours(*specs):
    return opening_hours({"openingHoursSpecification": list(specs)})


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        ({"dayOfWeek": "Monday", "opens": "09:00", "closes": "17:30:00"}, ["Mo 09:00-17:30"]),
        ({"dayOfWeek": "http://schema.org/Friday", "opens": "9:00 AM", "closes": "5:00 PM"}, ["Fr 09:00-17:00"]),
        ({"dayOfWeek": "Sunday", "opens": "00:00", "closes": "00:00"}, ["Su closed"]),
        ({"dayOfWeek": "Sunday"}, ["Su closed"]),
        ({"dayOfWeek": "Sunday", "opens": "09:00"}, []),
        ({"dayOfWeek": "Saturday", "opens": "00:00", "closes": "23:59"}, ["Sa 00:00-24:00"]),
        ({"dayOfWeek": "Saturday", "opens": "18:00", "closes": "02:00"}, ["Sa 18:00-02:00"]),
        ({"dayOfWeek": "Mo-We", "opens": "8am", "closes": "12pm"}, ["Mo 08:00-12:00", "Tu 08:00-12:00", "We 08:00-12:00"]),
        ({"dayOfWeek": "Sat - Mon", "opens": "10:00", "closes": "12:00"}, ["Mo 10:00-12:00", "Sa 10:00-12:00", "Su 10:00-12:00"]),
        ({"dayOfWeek": ["Mo,Tu", {"@id": "https://schema.org/Fr"}], "opens": "10:00", "closes": "12:00"}, ["Mo 10:00-12:00", "Tu 10:00-12:00", "Fr 10:00-12:00"]),
        ({"dayOfWeek": "PublicHolidays", "opens": "10:00", "closes": "12:00"}, []),
        ({"opens": "10:00", "closes": "12:00"}, []),
    ],
)  # fmt: skip
def test_each_spelling_becomes_the_same_line(spec, lines):
    assert hours(spec) == lines


def test_holidays_are_left_out_and_seasons_are_not():
    usual = {"dayOfWeek": "Mo", "opens": "09:00", "closes": "17:00"}
    since = usual | {"dayOfWeek": "Tu", "validFrom": "2026-01-01"}
    season = usual | {
        "dayOfWeek": "We",
        "validFrom": "2026-05-01",
        "validThrough": "2026-09-30",
    }
    christmas = usual | {
        "dayOfWeek": "Th",
        "validFrom": "2026-12-24",
        "validThrough": "2026-12-26",
    }
    assert hours(usual, since, season, christmas) == [
        "Mo 09:00-17:00", "Tu 09:00-17:00", "We 09:00-17:00",
    ]  # fmt: skip


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
SPECS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("dayOfWeek", "opens", "closes", "validFrom", "validThrough"), VALUES
    ),
)


@given(SPECS | VALUES, VALUES)
def test_any_value_gives_lines(spec, text):
    node = {"openingHoursSpecification": spec, "openingHours": text}
    assert all(isinstance(line, str) and line for line in opening_hours(node))
