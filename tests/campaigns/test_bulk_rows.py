"""Rows that are inserted together are as they would be one by one."""

from __future__ import annotations

import pytest

from campaigns.bulk_rows import insert_rows
from campaigns.models import Recipient
from leads.models import Lead

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("states", "details"),
    [
        (["included", "included"], ["", ""]),
        (["skipped", "included"], ['{a,"b\\\\', "NULL"]),
        (["skipped"], ["it's 100 %"]),
        ([], []),
    ],
)
def test_each_row_has_its_values_whether_they_differ_or_not(
    make_campaign, states, details
):
    campaign = make_campaign()
    leads = [Lead.objects.create(name=f"no {n}") for n in range(len(states))]
    values = {
        "lead": [lead.pk for lead in leads],
        "address": [f"a{lead.pk}@x.example" for lead in leads],
        "state": [Recipient.State(state) for state in states],
        "reason": ["no_demo" if state == "skipped" else "" for state in states],
        "detail": details,
    }

    told = insert_rows(
        Recipient(campaign=campaign, time_zone="Europe/Berlin"),
        values,
        ending="RETURNING lead_id",
    )

    assert told == [(lead.pk,) for lead in leads]
    rows = Recipient.objects.filter(campaign=campaign, lead__in=leads).order_by("pk")
    found = list(rows.values("lead", "address", "state", "reason", "detail"))
    assert found == [
        dict(zip(values, row, strict=True))
        for row in zip(*values.values(), strict=True)
    ]
    assert {row.time_zone for row in rows} <= {"Europe/Berlin"}


def test_values_that_are_all_the_same_make_as_many_rows(make_campaign):
    lead = Lead.objects.create(name="x")
    campaigns = [make_campaign() for _ in range(3)]

    for campaign in campaigns:
        insert_rows(
            Recipient(lead=lead, address="a@x.example", state="included"),
            {"campaign": [campaign.pk], "detail": ["x"]},
        )

    assert Recipient.objects.filter(lead=lead, detail="x").count() == 3


def test_a_field_that_there_is_not_is_named(make_campaign):
    with pytest.raises(ValueError, match="Recipient lacks a field"):
        insert_rows(Recipient(campaign=make_campaign()), {"colour": ["red"]})
