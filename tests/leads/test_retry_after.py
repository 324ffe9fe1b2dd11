"""The Retry-After header."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.retry_after import retry_after_seconds

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("1.5", 1.5),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 12:02:00 -0000", 120),
        ("Monday, 23-Nov-26 12:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_both_forms_are_read(value, seconds):
    assert retry_after_seconds(value, now=NOW) == seconds


@given(st.text())
def test_any_text_is_seconds_or_nothing(value):
    seconds = retry_after_seconds(value, now=NOW)
    assert seconds is None or seconds >= 0
