"""What is read from each board's answers, and what becomes of faults in them."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.hiring import hiring_words
from leads.outcomes import Outcome
from leads.places_written import read_written_place
from leads.saved_pages import read_saved as read_saved_bytes
from leads.sources.job_boards import BOARDS, read_saved
from leads.sources.job_boards.base import Vacancy
from tests.leads import board_shapes as shapes


def only(board: str, source: str, url: str = "") -> Vacancy:
    page = BOARDS[board].read(source, url)
    assert (page.outcome, page.reason) == (Outcome.OK, "")
    (vacancy,) = page.vacancies
    return vacancy


def test_greenhouse_content_is_unescaped_and_a_custom_domain_is_the_website():
    job = only("greenhouse", shapes.greenhouse("Welder"))
    assert (job.title, job.company, job.location) == (
        "Welder", "Harbor Works", "Duluth, MN",
    )  # fmt: skip
    assert job.website == "https://harborworks.example/"
    assert job.description == "Nuts & bolts daily"
    assert (job.salary, job.department) == ("USD 60,000-75,000 per year", "Workshop")


def test_lever_times_are_milliseconds_and_the_site_names_the_company():
    job = only("lever", shapes.LEVER)
    assert (job.company, job.posted_at[:10]) == ("gear-and-son", "2026-11-01")
    assert (job.is_remote, job.salary) == (False, "GBP 30,000-40,000 per year salary")


def test_ashby_jobs_that_are_not_listed_are_left_out_and_hybrid_is_not_remote():
    job = only("ashby", shapes.ASHBY)
    assert (job.title, job.company, job.is_remote) == ("Baker", "petit-four", False)
    assert (job.city, job.country, job.salary) == ("Lyon", "France", "€30K - €35K")


def test_workable_names_the_account():
    job = only("workable", shapes.WORKABLE)
    assert (job.company, job.city, job.country) == ("Dune Tours", "Lagos", "Portugal")


def test_smartrecruiters_names_its_next_page_and_doubts_a_zero():
    url = "https://api.smartrecruiters.com/v1/companies/NorthStores/postings?limit=2&offset=0"
    page = BOARDS["smartrecruiters"].read(shapes.smartrecruiters(0, 3), url)
    assert page.next_url.endswith("postings?limit=100&offset=2")
    assert page.total == 3
    assert page.vacancies[0].location == "Oslo, NO"
    last = BOARDS["smartrecruiters"].read(shapes.smartrecruiters(2, 3), url)
    assert last.next_url == ""
    none = BOARDS["smartrecruiters"].read(shapes.smartrecruiters(0, 0), url)
    assert none.outcome == Outcome.EMPTY
    assert "no such company" in none.reason


def test_remote_ok_is_put_right_and_its_notice_is_no_job():
    job = only("remote_ok", shapes.REMOTE_OK)
    assert (job.company, job.title) == ("Café Sol", "Mecánico")
    assert " " not in job.url
    assert (job.description, job.salary) == ("Fix things.", "")


def test_we_work_remotely_tells_the_companys_website():
    page = BOARDS["we_work_remotely"].read(shapes.WE_WORK_REMOTELY, "")
    first, second = page.vacancies
    assert (first.company, first.title) == ("Tidy Books", "Senior Editor: Fiction")
    assert first.website == "https://www.tidybooks.example/"
    assert (first.location, first.posted_at[:10]) == ("Austin, TX", "2026-11-01")
    assert (second.company, second.website) == ("Quiet Co", "")


def test_the_right_thread_of_hacker_news_is_found():
    page = BOARDS["hacker_news"].read(
        shapes.stories(), "https://hn.algolia.com/api/v1/search_by_date?tags=story"
    )
    assert page.next_url == "https://hn.algolia.com/api/v1/items/902"


def test_comments_of_hacker_news_are_companies_and_no_addresses_are_taken():
    page = BOARDS["hacker_news"].read(shapes.THREAD, "")
    first, second = page.vacancies
    assert (first.company, first.title, first.location) == (
        "Loom Labs", "Backend Engineer", "Berlin, Germany",
    )  # fmt: skip
    assert (first.website, first.is_remote) == ("https://loomlabs.example/", None)
    assert (second.company, second.title) == ("Acme Rockets", "Designer")
    assert second.website == "https://acmerockets.example/"
    assert second.is_remote
    assert "jobs@" not in repr(page)


@pytest.mark.parametrize(
    ("line", "company", "title", "location"),
    [
        ("Acme | Senior Engineer | Remote (US) | Full-time", "Acme", "Senior Engineer", "Remote (US)"),
        ("Acme (YC W21) | ONSITE San Francisco | Founding Engineer | $150k - $200k",
         "Acme (YC W21)", "Founding Engineer", "ONSITE San Francisco"),
        ("Foo GmbH | Berlin | ONSITE | VISA", "Foo GmbH", "", "Berlin"),
        ("REMOTE | Baz Inc. | Python dev | contractor", "Baz Inc.", "Python dev", "REMOTE"),
        ("Qux | Alchemist | Paris", "Qux", "Alchemist", "Paris"),
    ],
)  # fmt: skip
def test_first_lines_are_read_in_any_order(line, company, title, location):
    thread = json.dumps({"children": [shapes.comment(1, line)]})
    (job,) = BOARDS["hacker_news"].read(thread, "").vacancies
    assert (job.company, job.title, job.location) == (company, title, location)


def test_a_companys_own_page_is_read_beside_a_bad_block():
    page = BOARDS["company_page"].read(
        shapes.COMPANY_PAGE, "https://millbakery.example/jobs"
    )
    assert page.outcome == Outcome.PARTIAL
    (job,) = page.vacancies
    assert (job.company, job.city, job.country) == ("Mill Bakery", "Ghent", "BE")
    assert (job.website, job.salary) == (
        "https://millbakery.example/",
        "EUR 15-18 per hour",
    )
    assert job.employment_type == "FULL_TIME, PART_TIME"


@pytest.mark.parametrize(
    ("source", "board"),
    [
        (shapes.greenhouse("a"), "greenhouse"),
        (shapes.LEVER, "lever"),
        (shapes.ASHBY, "ashby"),
        (shapes.WORKABLE, "workable"),
        (shapes.smartrecruiters(0, 2), "smartrecruiters"),
        (shapes.REMOTE_OK, "remote_ok"),
        (shapes.WE_WORK_REMOTELY, "we_work_remotely"),
        (shapes.THREAD, "hacker_news"),
        (shapes.COMPANY_PAGE, "company_page"),
    ],
)
def test_a_saved_answer_is_recognised_by_its_shape(source, board):
    found, page = read_saved(source, "")
    assert found.name == board
    assert page.vacancies


def test_a_page_in_place_of_a_boards_answer_proves_no_zero():
    page = "<html><body>502 Bad Gateway</body></html>"
    board, found = read_saved(page, "https://api.lever.co/v0/postings/acme?mode=json")
    assert (board.name, found.outcome) == ("lever", "markup_changed")
    assert read_saved(page, "https://acme.example/jobs")[1].outcome == "empty"


def test_an_answer_that_a_browser_saved_as_a_page_is_read():
    shown = html.escape(shapes.WORKABLE, quote=False)
    page = (
        '<html><head><meta name="color-scheme" content="light dark"><meta'
        ' charset="utf-8"></head><body><pre style="white-space: pre-wrap;">'
        f'{shown}</pre><div class="json-formatter-container"></div></body></html>'
    )
    board, found = read_saved(read_saved_bytes(page.encode()).text, "")
    assert (board.name, found.outcome) == ("workable", "ok")
    assert found.vacancies[0].company == "Dune Tours"


@pytest.mark.parametrize("board", [name for name in BOARDS if name != "company_page"])
@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("<title>Just a moment...</title><body>Checking", "blocked"),
        ("<title>Jobs</title><body>Welcome", "markup_changed"),
        ("no", "markup_changed"),
        ('{"ok": true}', "markup_changed"),
        ("", "markup_changed"),
    ],
)
def test_what_is_no_answer_says_so(board, source, outcome):
    page = BOARDS[board].read(source, "")
    assert (page.outcome, page.vacancies) == (outcome, [])
    assert page.reason.endswith((".", ").")) or page.reason


def test_a_bad_job_costs_none_of_the_others_and_a_cut_answer_is_partial():
    answer = json.loads(shapes.greenhouse("a", "b"))
    answer["jobs"].insert(1, {"id": 1})
    page = BOARDS["greenhouse"].read(json.dumps(answer), "")
    assert (page.outcome, page.reason) == ("partial", "1 of 3 jobs can't be read.")
    whole = shapes.greenhouse(*"abcdefgh")
    cut = BOARDS["greenhouse"].read(whole[: len(whole) // 2], "")
    assert cut.outcome == "partial"
    assert 1 < len(cut.vacancies) < 8


def test_an_empty_board_is_a_proved_zero():
    page = BOARDS["greenhouse"].read(shapes.greenhouse(), "")
    assert (page.outcome, bool(page.reason)) == ("empty", True)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Berlin, Germany", {"city": "Berlin", "country": "Germany"}),
        ("Austin, TX", {"city": "Austin", "region": "TX"}),
        ("San Francisco, CA, USA", {"city": "San Francisco", "region": "CA", "country": "USA"}),
        ("Remote - US", {"country": "US"}),
        ("Remote", {}),
        ("Worldwide; Oslo", {"city": "Oslo"}),
        ("NYC or Remote", {"city": "NYC"}),
        ("SF, NYC, Dublin", {"city": "SF"}),
        ("ONSITE San Francisco", {"city": "San Francisco"}),
        ("Hybrid in Austin, Texas", {"city": "Austin", "region": "Texas"}),
        ("On-site", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_places_are_read_as_adverts_write_them(text, place):
    assert read_written_place(text) == place


def test_many_titles_are_counted():
    assert hiring_words(f"Job {n % 20}" for n in range(40)).endswith(
        "Job 11; and 8 more"
    )


@given(st.sampled_from(sorted(BOARDS)), st.text() | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["jobs", "content", "hits", "children", "id", "title", "text",
                         "location", "company", "name", "categories", "position"]),
        inner,
    ),
).map(json.dumps), st.text())  # fmt: skip
def test_any_answer_ends_in_an_outcome(board, source, url):
    page = BOARDS[board].read(source, url)
    assert page.outcome in Outcome
    assert page.vacancies or page.reason or page.next_url
