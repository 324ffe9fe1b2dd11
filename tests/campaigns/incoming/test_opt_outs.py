"""An answer that says only "write no more" is one; whatever says more is a person's to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.incoming.opt_outs import is_opt_out


@pytest.mark.parametrize(
    "text",
    [
        "Unsubscribe",
        "STOP!",
        "Please remove me from your list.",
        "Hi,\n\nplease take me off this list.\n\nThanks",
        "Don’t contact me again",
        "no more emails please",
        "Bitte abmelden",
        "Bitte keine weiteren E-Mails mehr!",
        "Désabonnez-moi",
        "Uitschrijven graag",
        "отписаться",
    ],
)
def test_an_opt_out_is_one(text):
    assert is_opt_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thanks",
        "Stop by on Monday, we would love to talk.",
        "Please don't stop, this is great!",
        "We had to remove our old site. What does yours cost?",
        "I would like to unsubscribe from our old host and move to you.",
        "No",
        "unsubscribe " * 20,
    ],
)
def test_what_says_more_is_none(text):
    assert not is_opt_out(text)


@given(st.text(max_size=200))
def test_no_text_makes_it_fail(text):
    assert is_opt_out(text) in (True, False)
