"""Which answers are kept and how long they are fresh, as RFC 9111 has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.caching_rules import directives, freshness, validators

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def date(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": 'public, MAX-AGE="60", max-age=5'}, 60),
        ({"cache-control": "private, s-maxage=0, max-age=60"}, 60),
        ({"cache-control": "max-age=60", "age": "20"}, 40),
        ({"cache-control": "max-age=60", "date": date(-50)}, 10),
        ({"cache-control": "max-age=60", "date": date(-50), "expires": date(900)}, 10),
        ({"cache-control": "max-age=999999999"}, 86400),
        ({"expires": date(30), "date": date(0)}, 30),
        ({"expires": date(30), "date": date(-10)}, 30),
        ({"last-modified": date(-1000), "date": date(0)}, 100),
        ({"last-modified": date(-9_000_000), "date": date(0)}, 3600),
        ({"etag": '"a"'}, 0),
        ({"etag": '"a"', "expires": "0"}, 0),
        ({"etag": '"a"', "cache-control": "no-cache, max-age=60"}, 0),
        ({"etag": '"a"', "pragma": "no-cache", "last-modified": date(-9000)}, 0),
        ({"etag": '"a"', "cache-control": "max-age=-5"}, 0),
    ],
)
def test_an_answer_is_fresh_as_long_as_its_headers_say(headers, seconds):
    judged = freshness(headers, status=200, now=NOW)
    assert judged.may_store
    assert judged.lifetime == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"cache-control": "no-store, max-age=60"}, 200),
        ({"cache-control": "max-age=60", "vary": "*"}, 200),
        ({"cache-control": "max-age=60"}, 404),
        ({"cache-control": "max-age=60"}, 206),
        ({}, 200),
        ({"cache-control": "max-age=60", "age": "60"}, 200),
    ],
)
def test_what_can_not_be_used_again_is_not_kept(headers, status):
    assert not freshness(headers, status=status, now=NOW).may_store


def test_a_stored_answer_is_confirmed_by_both_its_validators():
    assert validators({"etag": 'W/"a"', "last-modified": date(0)}) == {
        "If-None-Match": 'W/"a"',
        "If-Modified-Since": date(0),
    }
    assert validators({"etag": '"a\r\nX: y"'}) == {}


@given(st.dictionaries(st.sampled_from(["cache-control", "age", "date", "expires", "etag", "vary", "last-modified"]), st.text()))  # fmt: skip
def test_any_headers_are_judged(headers):
    judged = freshness(headers, status=200, now=NOW)
    assert timedelta() <= judged.lifetime <= timedelta(days=1)


@given(st.text())
def test_any_cache_control_is_read(text):
    assert isinstance(directives(text), dict)
