"""The audit of a site and the score it leads to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.auditing import SiteAudit, audit_page, copyright_year, has_contact_form
from leads.contacts import visible_text
from leads.outcomes import Outcome
from leads.pages import parse_html
from leads.scoring_rules import rate

EXCELLENT = SiteAudit(
    outcome="ok",
    is_reachable=True,
    is_https=True,
    has_viewport=True,
    title="Bay Dental",
    meta_description="Dentist in Fairview",
    has_contact_form=True,
    has_structured_data=True,
    page_bytes=40_000,
    response_ms=200,
    copyright_year=2026,
    checked_at="2026-11-23T12:00:00+00:00",
)
POOR = SiteAudit(
    outcome="ok",
    is_reachable=True,
    title="Home",
    page_bytes=2_000_000,
    response_ms=4000,
    copyright_year=2009,
    outdated_technology=["font tags"],
    checked_at="2026-11-23T12:00:00+00:00",
)
WITH_SITE = {"website": "https://bay-dental.example"}


def points(lead, audit):
    return rate(lead, audit).points


def test_a_business_without_a_website_scores_high():
    score = rate({"website": ""}, None)
    assert score.points == 70
    assert score.reasons[0].reason == "It has no website that we could find."


def test_a_poor_site_scores_high_and_an_excellent_one_low():
    assert points(WITH_SITE, POOR) >= 90
    assert points(WITH_SITE, EXCELLENT) == 0
    assert (
        rate(WITH_SITE, EXCELLENT).reasons[0].reason == "Its website is in good shape."
    )


def test_a_page_on_a_platform_is_no_site_of_its_own():
    assert points({"website": "https://www.facebook.com/bay"}, None) == 60


def test_a_site_that_is_down_scores_and_one_that_refuses_us_does_not():
    down = SiteAudit(outcome=Outcome.ERROR, reason="It refuses connections.")
    denied = SiteAudit(outcome=Outcome.DENIED_BY_ROBOTS, reason="robots.txt forbids it")
    assert points(WITH_SITE, down) == 60
    assert points(WITH_SITE, denied) == 0
    assert "robots.txt forbids it." in rate(WITH_SITE, denied).reasons[0].reason


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"is_https": False}, 10),
        ({"has_viewport": False}, 25),
        ({"title": ""}, 8),
        ({"meta_description": ""}, 8),
        ({"has_contact_form": False}, 8),
        ({"has_structured_data": False}, 7),
        ({"copyright_year": 2023}, 12),
        ({"copyright_year": 2024}, 0),
        ({"response_ms": 1500}, 5),
        ({"response_ms": 3000}, 10),
        ({"page_bytes": 600_000}, 4),
        ({"outdated_technology": ["Flash"]}, 15),
        ({"is_shell": True}, 6),
        ({"has_mixed_content": True}, 4),
        ({"is_https": False, "has_mixed_content": True}, 10),
        ({"phones": ["+17075550123"]}, 2),
        ({"phones": ["+17075550123"], "has_phone_link": True}, 0),
        ({"images": 6, "images_without_text": 4}, 2),
        ({"images": 3, "images_without_text": 3}, 0),
        ({"copyright_year": None, "updated_at": "2019-05-01"}, 8),
        ({"copyright_year": None, "updated_at": "2025-05-01"}, 0),
        ({"copyright_year": None, "last_modified": "Sat, 02 Mar 2019 10:00:00 GMT"}, 8),
        ({"copyright_year": 2019, "updated_at": "2019-05-01"}, 12),
        ({"is_parked": True}, 60),
    ],
)
def test_each_fault_adds_its_points(change, more):
    audit = SiteAudit(**{**EXCELLENT.as_json(), **change})
    assert points(WITH_SITE, audit) == more


def test_who_hires_grows_and_who_seeks_our_trade_could_use_us():
    cook = rate(WITH_SITE | {"hiring": "Line Cook; Dishwasher"}, EXCELLENT)
    assert (cook.points, cook.reasons[-1].reason) == (
        5, "It is hiring, so it grows: Line Cook; Dishwasher.",
    )  # fmt: skip
    web = rate(WITH_SITE | {"hiring": "Line Cook; Marketing Manager"}, EXCELLENT)
    assert (web.points, web.reasons[-1].reason) == (
        15, "It seeks somebody for work that is ours: Marketing Manager.",
    )  # fmt: skip


AUDITS = st.builds(
    SiteAudit,
    outcome=st.sampled_from(Outcome.values),
    reason=st.text(),
    is_reachable=st.booleans(),
    is_https=st.booleans(),
    has_viewport=st.booleans(),
    title=st.text(),
    meta_description=st.text(),
    has_contact_form=st.booleans(),
    page_bytes=st.integers(0, 10**9),
    response_ms=st.integers(0, 10**6),
    copyright_year=st.none() | st.integers(1900, 2099),
    outdated_technology=st.lists(st.text(), max_size=3),
    updated_at=st.text(),
    last_modified=st.text(),
    is_parked=st.booleans(),
    is_shell=st.booleans(),
    images=st.integers(0, 50),
    images_without_text=st.integers(0, 50),
    checked_at=st.just("2026-11-23T12:00:00+00:00"),
)
LEADS = st.fixed_dictionaries(
    {"website": st.sampled_from(["", "https://a.example", "https://facebook.com/a"]),
     "email": st.sampled_from(["", "a@b.example"]), "hiring": st.text()}
)  # fmt: skip


@given(LEADS, st.none() | AUDITS)
def test_the_points_of_the_reasons_add_up_to_a_score_from_0_to_100(lead, audit):
    score = rate(lead, audit)
    assert score.points == sum(reason.points for reason in score.reasons)
    assert 0 <= score.points <= 100
    assert score.reasons
    assert all(
        reason.points >= 0 and reason.reason.endswith(".") for reason in score.reasons
    )


@given(AUDITS)
def test_an_audit_is_read_back_as_it_was_kept(audit):
    assert SiteAudit.from_json(audit.as_json() | {"of_another_version": 1}) == audit


def test_the_audit_of_a_page_sees_what_a_person_would():
    source = """<html><head><title> Old  Mill </title>
      <meta name="Description" content="Chairs"><meta name="viewport" content="width=device-width">
      <meta name="generator" content="WordPress 6.1"></head><body><font size=2>x</font>
      <form><input type="email"><textarea></textarea></form>
      &copy; 2008 - 2014 Old Mill</body></html>"""
    page = parse_html(source)
    audit = audit_page(page, source, has_business=False, shown=visible_text(page))
    expected = {
        "has_viewport": True,
        "title": "Old Mill",
        "meta_description": "Chairs",
        "has_contact_form": True,
        "has_structured_data": False,
        "copyright_year": 2014,
        "technology": ["WordPress"],
        "outdated_technology": ["font tags"],
    }
    assert expected.items() <= audit.items()


@pytest.mark.parametrize(
    ("form", "is_contact"),
    [
        ("<input type=search>", False),
        ("<input type=email><button>Subscribe</button>", False),
        ("<input name=name><input type=email>", True),
        ("<textarea></textarea>", True),
    ],
)
def test_a_search_or_newsletter_box_is_no_contact_form(form, is_contact):
    assert has_contact_form(parse_html(f"<body><form>{form}</form>")) is is_contact


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("© 2008 Old Mill", 2008),
        ("Copyright (c) 2011-2019", 2019),
        ("since 1994", None),
    ],
)
def test_the_newest_year_of_a_copyright_line_counts(text, year):
    assert copyright_year(text) == year


@given(st.text())
def test_any_page_can_be_audited(source):
    audit_page(parse_html(source), source, has_business=False, shown=source)
