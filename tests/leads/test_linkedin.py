"""LinkedIn: a member's own contacts and saved pages; a live fetch is denied."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from leads import linkedin_scraping
from leads.consents import ConsentMissingError, record_consent
from leads.linkedin_scraping import gather_from_linkedin
from leads.models import Lead, ScrapeJob
from leads.outcomes import Outcome
from leads.sources.linkedin import GUEST_PATH, read_jobs, read_page
from leads.sources.linkedin_contacts import read_contacts

NOTES = (
    'Notes:\r\n"When exporting your connection data, you may notice that some of the'
    ' email addresses are missing."\r\n\r\n'
)
HEADER = "First Name,Last Name,URL,Email Address,Company,Position,Connected On\r\n"
ROWS = (
    "Ann,Lee,https://www.linkedin.com/in/ann,ann@loom.example,Loom Labs,Owner,01 Jan 2024\r\n"
    'Bob,Ray,https://www.linkedin.com/in/bob,,"Loom Labs, Inc.","Head, Sales",7-Feb-22\r\n'
    "Cy,Day,https://www.linkedin.com/in/cy,,Self-employed,Painter,12 Mar 2020\r\n"
    ",,,,,,\r\n"
)


def card(number: int, company: str = "", tag: str = "div") -> str:
    inner = f"""<h3 class="base-search-card__title"> Job {number} </h3>
<h4 class="base-search-card__subtitle"><a class="hidden-nested-link" href="/c">{company or f"Firm {number}"}</a></h4>
<div class="base-search-card__metadata"><span class="job-search-card__location">Leeds, England, United Kingdom</span>
<time class="job-search-card__listdate--new" datetime="2026-11-0{number % 9 + 1}">1 day ago</time></div>"""
    link = f"https://uk.linkedin.com/jobs/view/job-{1000000 + number}?trk=x"
    attributes = f'class="base-card base-search-card" data-entity-urn="urn:li:jobPosting:{1000000 + number}"'
    if tag == "a":
        return f'<li><a href="{link}" {attributes}>{inner}</a></li>'
    return f'<li><div {attributes}><a class="base-card__full-link" href="{link}"><span class="sr-only">Job</span></a>{inner}</div></li>'


DETAIL = """<link rel="canonical" href="https://www.linkedin.com/jobs/view/driver-at-dune-4012345678">
<section><h2 class="top-card-layout__title">Driver</h2>
<a class="topcard__org-name-link" href="/c">Dune Tours</a>
<span class="topcard__flavor topcard__flavor--bullet">Faro, Portugal</span>
<div class="show-more-less-html__markup"><p>Drive.</p></div>
<ul><li class="description__job-criteria-item"><h3>Employment type</h3><span>Full-time</span></li></ul>
<code id="applyUrl"><!--"https://www.linkedin.com/x?url=https%3A%2F%2Fdune.example%2Fapply"--></code></section>"""


@pytest.mark.parametrize("top", ["", NOTES, "\ufeff" + NOTES, "Notes:\r\n\r\n"])
def test_the_header_is_found_below_any_preamble(top):
    read = read_contacts(top + HEADER + ROWS)
    assert (read.outcome, len(read.contacts)) == (Outcome.OK, 3)
    first, second, third = read.contacts
    assert (first.name, first.connected_on) == ("Ann Lee", "2024-01-01")
    assert (second.position, second.connected_on) == ("Head, Sales", "2022-02-07")
    assert third.company == ""


def test_an_older_export_without_addresses_is_read():
    old = "First Name,Last Name,Email Address,Company,Position,Connected On\nAnn,Lee,,Loom,Owner,1/2/20\n"
    read = read_contacts(old)
    assert (read.contacts[0].company, read.contacts[0].connected_on) == (
        "Loom",
        "2020-01-02",
    )


def test_a_zero_says_why():
    assert read_contacts(NOTES + HEADER).outcome == Outcome.EMPTY
    assert read_contacts("a,b,c\n1,2,3").outcome == Outcome.MARKUP_CHANGED
    assert read_contacts("").reason


def test_cards_of_both_kinds_are_read_and_the_list_goes_on_after_its_own_number():
    url = f"https://www.linkedin.com{GUEST_PATH}?keywords=x&start=20"
    page = read_jobs(card(1) + card(2, tag="a") + card(1), url)
    first, second = page.vacancies
    assert (first.key, first.title, first.company) == ("1000001", "Job 1", "Firm 1")
    assert (second.key, second.url) == (
        "1000002", "https://uk.linkedin.com/jobs/view/job-1000002",
    )  # fmt: skip
    assert first.location.startswith("Leeds")
    assert "start=23" in page.next_url


def test_a_job_of_its_own_is_read():
    (job,) = read_jobs(DETAIL, "").vacancies
    assert (job.key, job.company, job.employment_type) == (
        "4012345678", "Dune Tours", "Full-time",
    )  # fmt: skip
    assert job.apply_url == "https://dune.example/apply"


@pytest.mark.parametrize(
    ("text", "url", "outcome"),
    [
        ("<p>Join", "https://www.linkedin.com/authwall?x=1", "blocked"),
        ("<p>Join", "https://www.linkedin.com/signup/cold-join", "blocked"),
        ("<!-- -->", f"https://www.linkedin.com{GUEST_PATH}?start=90", "empty"),
        ('<ul class="jobs-search__results-list"></ul>', "", "empty"),
        ("<p>Something else", "", "markup_changed"),
        (card(1).replace("base-search-card__title", "x"), "", "markup_changed"),
    ],
)
def test_what_is_no_list_has_its_outcome(text, url, outcome):
    page = read_jobs(text, url)
    assert (page.outcome, page.vacancies) == (outcome, [])
    assert page.reason


@given(st.text() | st.text().map(lambda text: HEADER + text), st.text())
def test_any_text_ends_in_an_outcome(text, url):
    reading = read_page(text, url)
    assert reading.items or reading.reason


@pytest.mark.django_db
def test_contacts_become_leads_by_company(tmp_path):
    file = tmp_path / "Connections.csv"
    file.write_text(NOTES + HEADER + ROWS, encoding="utf-8", newline="")
    result = gather_from_linkedin(path=str(file))
    assert (result["outcome"], result["leads_created"], result["listed"]) == (
        "ok",
        2,
        3,
    )
    loom = Lead.objects.get(name="Loom Labs")
    assert loom.email == "ann@loom.example"
    assert "Bob Ray (Head, Sales)" in loom.description
    assert Lead.objects.filter(name="Cy Day").exists()
    again = gather_from_linkedin(path=str(file))
    assert (again["leads_known"], again["leads_created"]) == (2, 0)


@pytest.mark.django_db
def test_a_saved_page_is_imported(tmp_path):
    file = tmp_path / "jobs.html"
    file.write_text(
        f"<ul class='jobs-search__results-list'>{card(1)}{card(2, 'Firm 1')}</ul>"
    )
    result = gather_from_linkedin(path=str(file))
    assert (result["outcome"], result["leads_created"]) == ("ok", 1)
    lead = Lead.objects.get()
    assert (lead.name, lead.hiring, lead.city) == ("Firm 1", "Job 1; Job 2", "Leeds")


@pytest.mark.django_db
def test_a_live_fetch_is_denied_by_robots_and_asks_for_nothing_else(web, settings):
    settings.LINKEDIN_URL = web.url("linkedin", "").rstrip("/")
    web.put(
        "linkedin",
        "/robots.txt",
        "User-agent: *\nDisallow: /",
        content_type="text/plain",
    )
    result = gather_from_linkedin(query="plumber")
    assert (result["outcome"], result["leads_found"]) == ("denied_by_robots", 0)
    assert result["reason"]
    assert web.asked("linkedin") == ["/robots.txt"]


@pytest.mark.django_db
def test_where_robots_allow_consent_is_wanted_and_the_list_is_read_to_its_end(
    web, settings
):
    settings.LINKEDIN_URL = web.url("linkedin", "").rstrip("/")
    with pytest.raises(ConsentMissingError):
        gather_from_linkedin(query="plumber")
    assert not ScrapeJob.objects.exists()
    record_consent("linkedin", settings.LINKEDIN_URL)
    path = f"{GUEST_PATH}?keywords=plumber&location=&start=0"
    web.put("linkedin", path, card(1) + card(2))
    # The same jobs again, as it does: that ends the list.
    repeated = f"{GUEST_PATH}?keywords=plumber&start=2"
    web.put("linkedin", repeated, card(1) + card(2))
    result = gather_from_linkedin(query="plumber")
    assert (result["outcome"], result["leads_found"], result["pages"]) == ("ok", 2, 2)


@pytest.mark.django_db
def test_contacts_whose_reader_died_are_counted_once(tmp_path, monkeypatch):
    monkeypatch.setattr(linkedin_scraping, "_BATCH", 1)
    file = tmp_path / "Connections.csv"
    file.write_text(NOTES + HEADER + ROWS)
    store = linkedin_scraping.store_companies

    def die_at_the_second(job, records):
        if job.counts["leads_found"]:
            raise KeyboardInterrupt
        return store(job, records)

    monkeypatch.setattr(linkedin_scraping, "store_companies", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        gather_from_linkedin(path=str(file))
    monkeypatch.setattr(linkedin_scraping, "store_companies", store)
    result = gather_from_linkedin(path=str(file))
    found = Lead.objects.count()
    assert found > 1
    assert (result["leads_found"], result["leads_created"]) == (found, found)
    assert result["leads_known"] == 0


@pytest.mark.django_db
def test_bad_parameters_are_refused():
    with pytest.raises(InvalidInput, match="Connections.csv"):
        gather_from_linkedin()
    with pytest.raises(InvalidInput, match="from 1 to"):
        gather_from_linkedin(query="x", max_results=0)


def test_a_file_is_explained(tmp_path):
    file = tmp_path / "Connections.csv"
    file.write_text(NOTES + HEADER + ROWS)
    out = StringIO()
    call_command("explain", "page", "linkedin", str(file), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["outcome"], told["count"], told["kind"]) == ("ok", 3, "contacts")
