"""On what follow-ups depend, and how an answer's subject is written."""

from __future__ import annotations

import pytest

from campaigns.conditions import Behaviour, Condition, holds, why_passed_over
from campaigns.threads import answer_to

NOTHING = Behaviour()
OPENED = Behaviour(opened=True)
CLICKED = Behaviour(clicked=True)
WATCHED = Behaviour(demo_watched=True)


@pytest.mark.parametrize(
    ("condition", "behaviours"),
    [
        ("no_reply", [NOTHING, OPENED, CLICKED, WATCHED]),
        ("opened", [OPENED, CLICKED]),
        ("not_opened", [NOTHING, WATCHED]),
        ("clicked", [CLICKED]),
        ("not_clicked", [NOTHING, OPENED, WATCHED]),
        ("demo_watched", [WATCHED]),
        ("demo_not_watched", [NOTHING, OPENED, CLICKED]),
    ],
)
def test_a_condition_holds_for_those_it_names(condition, behaviours):
    every = [NOTHING, OPENED, CLICKED, WATCHED]

    assert [each for each in every if holds(Condition(condition), each)] == behaviours


def test_each_condition_says_why_a_step_was_passed_over():
    sentences = [why_passed_over(each) for each in Condition if each != "no_reply"]

    assert len(set(sentences)) == len(Condition) - 1


@pytest.mark.parametrize(
    "subject",
    ["A new site", "Re: A new site", "RE:  A new site", "AW: A new site", "Re[2]: A new site"],
)  # fmt: skip
def test_an_answer_says_re_once(subject):
    assert answer_to(subject) == "Re: A new site"


def test_a_subject_that_only_begins_like_an_answer_stays():
    assert answer_to("Reasons for a new site") == "Re: Reasons for a new site"
