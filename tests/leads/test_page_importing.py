"""A saved page becomes leads without a request and without a consent."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from leads.models import Lead, LeadFact, Posting, ScrapeJob
from leads.page_importing import import_page
from leads.sources import find_source
from tasks.models import Task
from tests.leads import craigslist_shapes as shapes

pytestmark = pytest.mark.django_db
URL = f"{shapes.BASE}/view/d/some-slug/{shapes.token(3)}"


@pytest.fixture
def saved(tmp_path):
    def save(text: str):
        path = tmp_path / "page.html"
        path.write_text(text)
        return path

    return save


def imported(path, url=""):
    return import_page(find_source("craigslist"), path, url=url)


def test_every_row_of_a_saved_list_is_a_lead_with_its_origin(saved):
    page = shapes.list_page(
        shapes.row(1, "Fences") + shapes.row(2, "Roofs", place="Hayward")
    )
    result = imported(saved(page))
    expected = {"outcome": "ok", "leads_found": 2, "leads_created": 2, "listed": 2}
    assert expected.items() <= result.items()
    lead = Lead.objects.get(name="Roofs")
    assert (lead.city, lead.postings.get().key) == ("Hayward", shapes.token(2))
    assert LeadFact.objects.get(lead=lead, field="city").source == "craigslist"
    task = Task.objects.get(actor="batch_analyze_leads")
    assert set(task.kwargs["lead_ids"]) == set(
        Lead.objects.values_list("pk", flat=True)
    )


def test_importing_a_page_again_creates_nothing(saved):
    path = saved(shapes.list_page("".join(map(shapes.row, range(5)))))
    imported(path)
    again = imported(path)
    assert (again["leads_created"], again["leads_known"]) == (0, 5)
    assert (Lead.objects.count(), Posting.objects.count()) == (5, 5)


def test_a_saved_posting_completes_the_lead_of_its_row(saved):
    imported(saved(shapes.list_page(shapes.row(3, "Pipes"))))
    posting = shapes.posting("Pipes", "Harbor Plumbing fixes pipes. www.harbor.example")
    result = imported(saved(posting), URL)
    assert (result["outcome"], result["leads_created"], result["leads_known"]) == (
        "ok",
        0,
        1,
    )
    lead = Lead.objects.get()
    assert (lead.name, lead.website) == ("Harbor Plumbing", "http://www.harbor.example")


def test_a_page_names_its_own_address(saved):
    own = f'<link rel="canonical" href="{URL}">'
    imported(
        saved(
            shapes.posting("Pipes", "We fix pipes.").replace("<meta", f"{own}<meta", 1)
        )
    )
    assert Posting.objects.get().key == shapes.token(3)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (shapes.BLOCK_PAGE, "blocked"),
        (shapes.list_page(""), "empty"),
        (shapes.REMOVED, "empty"),
        (shapes.NO_LIST, "markup_changed"),
        ("", "empty"),
    ],
)
def test_a_page_without_listings_is_a_job_that_says_why(saved, text, outcome):
    result = imported(saved(text), URL)
    assert (result["outcome"], Lead.objects.count()) == (outcome, 0)
    assert ScrapeJob.objects.get().reason


def test_the_command_prints_the_result_or_fails_with_a_sentence(saved):
    out = StringIO()
    path = saved(shapes.list_page(shapes.row(1)))
    call_command("scrape", "craigslist", "--page", str(path), stdout=out)
    assert json.loads(out.getvalue())["leads_created"] == 1
    with pytest.raises(CommandError, match=r"can't be read \(No such file"):
        call_command("scrape", "craigslist", "--page", "/nowhere.html", stdout=out)
