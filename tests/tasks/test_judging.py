"""What a receiver's answer means."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from tasks.webhooks.addresses import check_url
from tasks.webhooks.judging import PATIENCE, Verdict, crowd_seconds, judge
from tasks.webhooks.signing import headers, new_secret, sign

DAY = PATIENCE.total_seconds()


def verdict(status, **given):
    defaults = {"reason": "r.", "retry_after": None, "failures": 0, "dice": 0.5}
    return judge(status, **defaults | {"seconds_left": DAY} | given)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([200, 201, 204, 299], Verdict.DELIVERED),
        ([410], Verdict.GONE),
        ([300, 301, 302, 303, 307, 308], Verdict.FAILED),
        ([400, 401, 403, 404, 405, 413, 418, 422, 499], Verdict.FAILED),
        ([None, 100, 408, 425, 429, 500, 502, 503, 504, 599, 999], Verdict.AGAIN),
    ],
)
def test_each_status_has_its_verdict(statuses, expected):
    assert {verdict(status).verdict for status in statuses} == {expected}


def test_tries_of_one_delivery_spread_over_a_day():
    dice = random.Random(7)
    tries, spans = [], []
    for _ in range(300):
        left, failures = DAY, 0
        while True:
            found = verdict(
                500, failures=failures, seconds_left=left, dice=dice.random()
            )
            if found.verdict is Verdict.FAILED:
                break
            left, failures = left - found.delay_seconds, failures + 1
        tries.append(failures + 1)
        spans.append(DAY - left)
    assert 18 < sum(tries) / len(tries) < 28
    assert min(spans) > 0.85 * DAY


@given(
    status=st.sampled_from([429, 503, 500]),
    asked=st.none() | st.floats(0, 10 * DAY),
    failures=st.integers(0, 50),
    left=st.floats(-DAY, DAY),
    dice=st.floats(0, 0.999),
)
def test_it_never_comes_before_it_was_asked_to_nor_after_its_time(
    status, asked, failures, left, dice
):
    found = verdict(
        status, retry_after=asked, failures=failures, seconds_left=left, dice=dice
    )
    if found.verdict is Verdict.AGAIN:
        assert (asked or 0) <= found.delay_seconds <= left
        assert found.delay_seconds >= 1
    else:
        assert found.verdict is Verdict.FAILED


def test_those_who_wait_for_a_slot_ask_ever_more_rarely():
    waits = [crowd_seconds(n, 0.999) for n in (0, 1, 3, 7, 500)]
    assert waits == sorted(waits)
    assert waits[0] <= 1
    assert waits[-1] <= 120
    assert crowd_seconds(500, 0) == 60


def test_the_signature_is_the_specifications_own_example():
    """The test vector of the reference libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    event_id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(secret, event_id, 1614265330, body) == expected
    both = headers([secret, new_secret()], event_id, 1614265330, body)
    first, second = both["webhook-signature"].split(" ")
    assert (first, second[:3]) == (expected, "v1,")


@given(st.text())
def test_any_text_is_an_address_or_refused_with_a_sentence(text):
    with suppress(InvalidInput):
        assert check_url(text).scheme == "https"
