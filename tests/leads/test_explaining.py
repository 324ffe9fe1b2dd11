"""`manage.py explain`: what strangers see of how pages are read."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.outcomes import Outcome
from leads.sources import PAGE_READERS
from tests.leads import craigslist_shapes as shapes


def explain(*arguments: object) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("explain", *map(str, arguments), "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def saved(tmp_path):
    def save(content: str | bytes, name: str = "page.html"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return save


def test_every_row_of_a_saved_list_is_an_item(saved):
    file = saved(shapes.list_page("".join(map(shapes.row, range(60)))))
    (answer,) = explain(
        "page", "craigslist", file, "--url", f"{shapes.BASE}/search/area/x"
    )
    assert (answer["outcome"], answer["reason"], answer["count"]) == ("ok", "", 60)
    assert answer["items"][7]["key"] == shapes.token(7)


def test_a_true_zero_is_told_from_a_block(saved):
    zero = saved(shapes.list_page(""), "zero.html")
    block = saved(shapes.BLOCK_PAGE, "block.html")
    answers = explain("page", "craigslist", zero, block)
    assert [answer["outcome"] for answer in answers] == ["empty", "blocked"]
    assert all(answer["reason"] for answer in answers)


SITE = """<title>Bay Dental | Home</title>
<script type="application/ld+json">{"@type": "Dentist", "name": "Bay Dental",
 "sameAs": ["https://facebook.com/baydental"], "telephone": "(707) 555-0123",
 "openingHoursSpecification": {"dayOfWeek": ["Monday", "https://schema.org/Friday"],
 "opens": "09:00:00", "closes": "17:30"}}</script>
<script type="application/ld+json">{"@type": "Person", "name": }</script>
<script type="application/ld+json">{"@graph": [{"@type": "WebSite", "name": "bay"}]}</script>
<body><div itemscope itemtype="https://schema.org/Offer"><b itemprop="name">Check-up</b></div>
<a href="/contact">write</a> desk (at) bay-dental.example"""


def test_good_blocks_stand_beside_the_bad_one_that_is_named(saved):
    (answer,) = explain(
        "page", "website", saved(SITE), "--url", "https://bay-dental.example/"
    )
    assert answer["outcome"] == "partial"
    assert answer["reason"].startswith(
        "1 of 3 JSON-LD blocks can't be read whole (block 2"
    )
    assert [(item["kind"], item["name"]) for item in answer["items"]] == [
        ("business", "Bay Dental"),
        ("json-ld", "Bay Dental"),
        ("json-ld", "bay"),
        ("microdata", "Check-up"),
    ]
    assert answer["emails"] == ["desk@bay-dental.example"]
    assert answer["phones"] == ["+17075550123"]
    assert answer["hours"] == ["Mo 09:00-17:30", "Fr 09:00-17:30"]
    assert answer["socials"] == {"facebook": "https://facebook.com/baydental"}
    assert answer["contact_links"] == ["https://bay-dental.example/contact"]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("<title>Just a moment...</title><body>x", "blocked"),
        ('<title>x</title><body><div id="root"></div>', "markup_changed"),
        ("<title>x</title><body>This domain is for sale", "empty"),
        ("<html></html>", "empty"),
        ("", "empty"),
        (b"\x89PNG\r\n\x1a\n", "error"),
    ],
)
def test_what_is_no_site_has_its_outcome(saved, text, outcome):
    (answer,) = explain("page", "website", saved(text))
    assert (answer["outcome"], answer["items"]) == (outcome, [])
    assert answer["reason"].endswith(".")


def test_contacts_are_read_from_pages_and_from_plain_text(saved):
    page = saved('<a href="https://instagram.com/rosas">i</a> rosa (at) rosas.example')
    text = saved("Joe <joe@pipes.example>, 707 555 0123", "mail.txt")
    nothing = saved("<p>hello</p>", "nothing.html")
    stated = saved(
        '<a href="//www.instagram.com/rosas">i</a><script type="application/ld+json">'
        '{"@type": "Bakery", "name": "Rosa", "openingHours": "Mo-Fr 07:00-15:00",'
        ' "sameAs": "https://facebook.com/rosas"}</script>',
        "stated.html",
    )
    answers = explain("contacts", page, text, nothing, stated)
    assert [answer["emails"] for answer in answers] == [
        ["rosa@rosas.example"], ["joe@pipes.example"], [], [],
    ]  # fmt: skip
    assert answers[0]["socials"] == {"instagram": "https://instagram.com/rosas"}
    assert answers[1]["phones"] == ["+17075550123"]
    assert answers[2]["outcome"] == "empty"
    assert answers[3]["socials"] == {
        "facebook": "https://facebook.com/rosas",
        "instagram": "https://www.instagram.com/rosas",
    }


def test_numbers_in_structured_data_are_contacts(saved):
    page = saved(
        '<script type="application/ld+json">{"@type": "Dentist", "name": "Bay",'
        ' "telephone": "(707) 555-0123", "contactPoint": {"telephone": "707-555-0124"}}'
        "</script><p>707 555 0123"
    )
    (answer,) = explain("contacts", page)
    assert answer["phones"] == ["+17075550123", "+17075550124"]


def test_robots_are_explained_with_the_rule_that_decides(saved):
    file = saved("User-agent: FOO BAR\nDisallow: /x\nCrawl-delay: 0.5", "robots.txt")
    answers = explain(
        "robots", file, "--agent", "foo", "--url", "https://a.example/x", "--url", "https://a.example/"
    )  # fmt: skip
    assert [answer["allowed"] for answer in answers] == [False, True]
    assert answers[0]["reason"] == "Decided by 'disallow: /x'."
    assert answers[0]["delay_seconds"] == 0.5


@pytest.mark.parametrize(
    "arguments",
    [
        ("page", "website", "/nowhere/x.html"),
        ("contacts", "/nowhere/x.html"),
        (
            "robots",
            "/nowhere/robots.txt",
            "--agent",
            "a",
            "--url",
            "https://a.example/",
        ),
    ],
)
def test_a_missing_file_is_one_sentence_and_a_failure(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        call_command("explain", *arguments, "--json")
    answer = json.loads(capsys.readouterr().out)
    assert stop.value.code == 1
    assert answer["outcome"] == "error"
    assert (
        "can't be read (No such file or directory): check its name." in answer["reason"]
    )


def test_people_read_lines(saved):
    out = StringIO()
    call_command("explain", "contacts", str(saved("<p>rosa@rosas.example")), stdout=out)
    assert "emails: 1\n  1: rosa@rosas.example" in out.getvalue()


@pytest.mark.parametrize("source", list(PAGE_READERS))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.text().map(str.encode), st.text())
def test_any_file_ends_in_an_outcome(saved, source, content, url):
    (answer,) = explain("page", source, saved(content), f"--url={url}")
    assert answer["outcome"] in Outcome
    assert answer["items"] or answer["reason"]


def test_a_file_of_businesses_is_explained_row_by_row(saved):
    good = saved("Company,Phone,City\nRosa,707-555-0123,Ely\nMill,12,\n", "list.csv")
    page = saved("<html><table><tr><td>name", "page.csv")
    bare = saved("name,city\n", "bare.csv")
    answer, wrong, empty = (
        explain_all("page", "file", each) for each in (good, page, bare)
    )
    assert answer["outcome"] == "partial"
    assert answer["items"] == [
        {"line": 2, "name": "Rosa", "phone": "+17075550123", "city": "Ely"}
    ]
    assert answer["columns"] == {
        "name": ["Company"],
        "phone": ["Phone"],
        "city": ["City"],
    }
    assert "Line 3, column 'phone'" in answer["reason"]
    assert (wrong["outcome"], wrong["exit"]) == ("error", 1)
    assert "is a web page" in wrong["reason"]
    assert (empty["outcome"], empty["exit"]) == ("empty", 0)


def test_the_strings_of_an_answer_in_json_are_read_like_a_page(saved):
    answer = {
        "a": {"email": "info@x.example", "tel": "tel:+17075550123"},
        "b": ['<a href="mailto:sales@x.example">', "desk [at] x.example", 7, None],
        "c": "/cdn-cgi/l/email-protection#6f06010900410b0a011b002f08020e0603410c0002",
    }
    text = json.dumps(answer).replace("info@", "info\\u0040").replace("<", "\\u003c")
    told = explain_all("contacts", saved(text, "answer.json"))
    assert told["emails"] == [
        "info@x.example", "sales@x.example", "desk@x.example", "info.dento@gmail.com",
    ]  # fmt: skip
    assert told["phones"] == ["+17075550123"]
    broken = explain_all("contacts", saved('{"a": "info@x.example', "broken.json"))
    assert broken["emails"] == ["info@x.example"]


def test_what_is_no_address_is_neither_allowed_nor_forbidden(saved):
    file = saved("User-agent: *\nDisallow: /x", "robots.txt")
    url = ("--agent", "A", "--url")
    assert explain_all("robots", file, *url, "not a url")["outcome"] == "error"
    assert explain_all("robots", file, *url, "/x/y")["allowed"] is False


def explain_all(*arguments: object) -> dict[str, Any]:
    """Give the one answer of a command with its exit code."""
    out = StringIO()
    code = 0
    try:
        call_command("explain", *map(str, arguments), "--json", stdout=out)
    except SystemExit as ended:
        code = int(ended.code or 0)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer | {"exit": code}
