"""What a run delivered, in words and numbers."""

from __future__ import annotations

import dataclasses
import json

import pytest

from actors.main_job.funnel import Funnel, table, what_is_missing

FULL = Funnel(
    leads_found=15,
    leads_new=14,
    leads_merged=1,
    leads_scored=14,
    leads_qualified=11,
    demos_published=11,
    demos_new=11,
    emails_sent=8,
    emails_new=8,
    emails_skipped={"no_address": 3},
    tasks={"succeeded": 50},
)


def test_a_full_funnel_misses_nothing():
    assert what_is_missing(FULL) == ""


def test_a_second_run_that_adds_nothing_misses_nothing_either():
    again = dataclasses.replace(FULL, leads_new=0, demos_new=0, emails_new=0)

    assert what_is_missing(again) == ""


@pytest.mark.parametrize(
    ("emptied", "stage"),
    [
        (
            ["leads_found", "leads_scored", "demos_published", "emails_sent"],
            "Gathering",
        ),
        (["leads_scored", "demos_published", "emails_sent"], "Scoring"),
        (["demos_published", "emails_sent"], "Building demo sites"),
        (["emails_sent"], "Sending e-mails"),
    ],
)
def test_the_first_stage_that_delivered_nothing_is_named(emptied, stage):
    funnel = dataclasses.replace(FULL, **dict.fromkeys(emptied, 0))

    sentence = what_is_missing(funnel)

    assert sentence.startswith(f"{stage} ")
    assert "look" in sentence


def test_mails_in_doubt_count_as_delivered():
    assert not what_is_missing(
        dataclasses.replace(FULL, emails_sent=0, emails_in_doubt=1)
    )


def test_the_json_holds_what_was_promised_and_no_invented_video():
    found = json.loads(json.dumps(FULL.as_json()))

    assert found["videos"] == 0
    assert found["emails_skipped"] == {"no_address": 3}
    assert {
        "leads_found",
        "leads_new",
        "leads_scored",
        "demos_published",
        "emails_sent",
        "emails_in_doubt",
        "tasks",
    } <= found.keys()


def test_the_table_shows_every_count_and_every_reason():
    lines = table(FULL).splitlines()

    assert lines[0] == lines[-1] == "-" * len(lines[0])
    assert any(line.split()[:3] == ["Leads", "found", "15"] for line in lines)
    assert any("3  no address" in line for line in lines)
    assert any("50 succeeded" in line for line in lines)
