"""Google's places from an area to leads, against a server that speaks the API."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from fliptech_site.errors import InvalidInput, RateLimited
from leads.merging import store_record
from leads.models import Fetch, Lead, LeadFact, LeadKey, Posting, ScrapeJob
from leads.place_purging import forget_places
from leads.place_scraping import KeyMissingError, scrape_places
from leads.records import LeadRecord
from leads.sources.google_places import DETAILS_MASK, SEARCH_MASK, Area, read_area
from tasks.models import Task
from tests.leads.places_api import KEY, PlacesApi, place

pytestmark = pytest.mark.django_db
BAY = "37,-123,38,-122"


@pytest.fixture
def places(web, settings) -> PlacesApi:
    settings.GOOGLE_PLACES_URL = web.url("places", "").rstrip("/")
    settings.GOOGLE_PLACES_API_KEY = KEY
    api = PlacesApi([place(n, 37.5, -122.5) for n in range(3)])
    web.services["places"] = api
    return api


def run(**parameters):
    return scrape_places(**{"query": "plumber", "location": BAY} | parameters)


def test_places_become_leads_with_attribution_expiry_and_the_next_task(places):
    result = run()
    assert {
        "outcome": "ok",
        "leads_found": 3,
        "leads_created": 3,
    }.items() <= result.items()
    lead = Lead.objects.get(name="Plumber 1")
    assert (lead.phone, lead.website, lead.city, lead.region, lead.country) == (
        "+17075550001", "https://plumber-1.example/", "Town 1", "CA", "US",
    )  # fmt: skip
    posting = Posting.objects.get(key="ChIJ00000001")
    assert (posting.attribution, posting.lead) == ("Google Maps", lead)
    days = (posting.expires_at - timezone.now()) / timedelta(days=1)
    assert 29.9 < days <= 30
    assert Task.objects.filter(actor="scrape_website").count() == 3
    assert places.masks == {SEARCH_MASK, DETAILS_MASK}


def test_details_are_asked_for_new_ids_only(places):
    run()
    again = run()
    assert again["leads_known"] == again["leads_found"] == 3
    assert len(places.details) == 3


def test_an_area_with_more_than_sixty_places_is_cut_until_all_are_there(places):
    places.places = [
        place(n, 37.01 + n % 15 * 0.06, -122.99 + n // 15 * 0.06) for n in range(150)
    ]
    result = run(max_results=500)
    assert (result["outcome"], result["listed"]) == ("ok", 150)
    assert len(set(places.details)) == len(places.details) == 150
    assert Lead.objects.count() == 150


def test_a_crowd_at_one_point_is_told_and_not_cut_for_ever(places):
    places.places = [place(n, 37.0005, -122.9995) for n in range(70)]
    result = run(location="37,-123,37.001,-122.999", max_results=500)
    assert (result["outcome"], result["leads_found"]) == ("partial", 60)
    assert "60 places" in result["reason"]


def test_pages_that_repeat_themselves_end_a_rectangle(places):
    places.places = [place(n, 37.5, -122.5) for n in range(60)]
    search = places._search

    def always_the_first(asked, mask):
        asked.pop("pageToken", None)
        return search(asked, mask)

    places._search = always_the_first
    assert run()["listed"] == 20
    assert len(places.searches) == 2


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_token_of_long_ago_begins_its_rectangle_again_once(places, refusals):
    places.places = [place(n, 37.5, -122.5) for n in range(25)]
    search = places._search

    def refuse(asked, mask):
        if "pageToken" in asked and places.refused < refusals:
            places.refused += 1
            places.errors = [(400, "INVALID_ARGUMENT", "The token is too old.")]
            return places("POST", "/v1/places:searchText", places.headers, b"{}")
        return search(asked, mask)

    places.refused = 0
    places.headers = {"X-Goog-Api-Key": KEY, "X-Goog-FieldMask": SEARCH_MASK}
    places._search = refuse
    result = run()
    told = {1: ("ok", 25), 2: ("partial", 0)}[refusals]
    assert (result["outcome"], result["leads_found"]) == told
    assert len(places.searches) == 3 if refusals == 1 else 2


def test_a_place_name_is_turned_into_its_rectangle(places):
    places.viewport = {
        "low": {"latitude": 37, "longitude": -123},
        "high": {"latitude": 38, "longitude": -122},
    }
    places.places.append(place(9, 10, 10))
    assert run(location="Bay Area")["leads_found"] == 3
    places.viewport = None
    lost = run(location="Nowhere")
    assert (lost["outcome"], lost["leads_found"]) == ("empty", 0)
    assert lost["reason"]


def test_closed_and_vanished_places_are_no_leads(places):
    places.places[0]["businessStatus"] = "CLOSED_PERMANENTLY"
    result = run()
    assert result["leads_found"] == 2
    assert (
        Posting.objects.get(state="removed").reason == "Plumber 0 has closed for good."
    )


def test_a_plumber_without_an_address_is_a_lead(places):
    for name in ("postalAddress", "location"):
        places.places[0].pop(name)
    places.places[0]["pureServiceAreaBusiness"] = True
    assert run()["leads_found"] == 3
    assert Lead.objects.get(name="Plumber 0").city == ""


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ((400, "INVALID_ARGUMENT", "Bad mask."), "error"),
        ((400, "INVALID_ARGUMENT", "API key not valid."), "blocked"),
        ((403, "PERMISSION_DENIED", f"Key {KEY} is not allowed."), "blocked"),
    ],
)  # fmt: skip
def test_googles_errors_are_outcomes(places, error, outcome):
    places.errors = [error]
    result = run()
    assert (result["outcome"], result["leads_found"]) == (outcome, 0)
    assert error[1] in result["reason"]
    assert KEY not in result["reason"]


def test_a_used_up_quota_waits_and_goes_on_where_it_was(places, monkeypatch):
    monkeypatch.setattr("leads.place_scraping._PATIENCE_SECONDS", 0.2)
    found = places._details

    def with_error(key, mask):
        reply = found(key, mask)
        if len(places.details) == 2:
            places.errors = [(429, "RESOURCE_EXHAUSTED", "Quota.")]
        return reply

    places._details = with_error
    with pytest.raises(RateLimited) as raised:
        run()
    assert raised.value.retry_after > 1
    assert ScrapeJob.objects.get().state == "waiting"
    assert Lead.objects.count() == 2
    from leads.models import HostPause

    HostPause.objects.all().delete()
    searches = len(places.searches)
    result = run()
    assert (result["outcome"], result["leads_created"]) == ("ok", 3)
    assert len(places.searches) == searches
    assert places.details.count("ChIJ00000000") == 1


def test_a_refusal_after_some_leads_is_a_partial_result(places):
    found = places._details

    def with_error(key, mask):
        places.errors = [(403, "PERMISSION_DENIED", "Billing is off.")]
        return found(key, mask)

    places._details = with_error
    result = run()
    assert (result["outcome"], result["leads_found"]) == ("partial", 1)
    assert "Billing is off." in result["reason"]


def test_the_key_is_nowhere_but_in_the_header(places, caplog):
    caplog.set_level(logging.DEBUG)
    run()
    assert KEY not in caplog.text
    assert not Fetch.objects.filter(url__contains=KEY).exists()
    assert Fetch.objects.filter(outcome="ok").count() == 4


def test_without_a_key_or_a_query_nothing_is_asked(places, settings):
    with pytest.raises(InvalidInput, match="query"):
        run(query=" ")
    with pytest.raises(InvalidInput, match="from 1 to 2000"):
        run(max_results=0)
    settings.GOOGLE_PLACES_API_KEY = ""
    with pytest.raises(KeyMissingError, match="GOOGLE_PLACES_API_KEY"):
        run()
    assert places.searches == []
    assert not ScrapeJob.objects.exists()


def test_what_google_said_is_forgotten_and_the_place_id_is_kept(places):
    run()
    own = Lead.objects.get(name="Plumber 1")
    store_record(
        LeadRecord(
            {"name": "Rosa Pipes", "phone": "+17075550999"}, "website",
            "https://plumber-1.example/", timezone.now(),
        ),
        lead_id=own.pk,
    )  # fmt: skip
    later = timezone.now() + timedelta(days=31)
    LeadFact.objects.filter(source="website").update(fetched_at=later)
    assert forget_places(later) > 10
    assert forget_places(later) == 0
    assert not LeadFact.objects.filter(source="google_maps").exists()
    own.refresh_from_db()
    assert (own.name, own.phone, own.city, own.latitude) == (
        "Rosa Pipes", "+17075550999", "", None,
    )  # fmt: skip
    kinds = LeadKey.objects.filter(lead=own).values_list("kind", "value")
    assert set(kinds) == {
        ("listing", "google_maps:ChIJ00000001"), ("phone", "+17075550999"),
    }  # fmt: skip
    other = Lead.objects.exclude(pk=own.pk).first()
    assert (other.name, other.phone) == (f"Google Maps place {other.pk}", "")
    # The next search asks for the details again and finds the same leads.
    run()
    assert Lead.objects.count() == 3
    other.refresh_from_db()
    assert other.name.startswith("Plumber")


def test_halves_cover_a_rectangle_also_across_the_date_line():
    area = Area(-10, 170, 10, -150)
    west, east = area.halves()
    assert (west.width, east.width) == (20, 20)
    assert west == Area(-10, 170, 10, -170)
    assert read_area("38,0,37,1") is None
    assert read_area("Bay Area") is None


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"places": [place(1, 1, 1), place(2, 1, 1)]}, "ok"),
        (place(1, 1, 1), "ok"),
        ({}, "empty"),
        ({"error": {"status": "RESOURCE_EXHAUSTED"}}, "rate_limited"),
        ({"places": [{"x": 1}]}, "markup_changed"),
        ("<html>", "markup_changed"),
    ],
)
def test_saved_answers_are_explained(tmp_path, answer, outcome):
    file = tmp_path / "answer.json"
    file.write_text(answer if isinstance(answer, str) else json.dumps(answer))
    out = StringIO()
    call_command("explain", "page", "google_maps", str(file), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["outcome"] == outcome
    assert bool(told["items"]) == (outcome == "ok")
    assert bool(told["reason"]) == (outcome != "ok")
