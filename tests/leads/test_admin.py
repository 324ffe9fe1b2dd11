"""Leads in admin: pages that show, actions that enqueue, and who may do what."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from leads.merging import store_record
from leads.models import (
    Fetch,
    Lead,
    LeadFact,
    LeadKey,
    Posting,
    RecurringScrape,
    ScrapeJob,
    SourceConsent,
    SourceNotice,
    Suppression,
)
from leads.records import LeadRecord
from leads.suppression import is_suppressed
from tasks.enqueueing import enqueue
from tasks.models import Task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_this_room(settings, monkeypatch):
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    # The menu of the whole house has its own test.
    monkeypatch.setitem(settings.UNFOLD["SIDEBAR"], "navigation", [])


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("owner"))
    return client


@pytest.fixture
def reader(client: Client) -> Client:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client


def lead(name="Rosa's <b>Bakery</b>", **values) -> Lead:
    stored = store_record(
        LeadRecord({"name": name, **values}, "craigslist", f"https://l.example/{name}",
                   timezone.now(), listing_key=name)
    )  # fmt: skip
    Lead.objects.filter(pk=stored.lead_id).update(
        score=70,
        score_reasons=[{"points": 70, "reason": "It has <i>no</i> website."}],
        audit={"outcome": "ok", "title": "<script>", "is_https": True},
    )
    return Lead.objects.get(pk=stored.lead_id)


def test_the_list_and_a_lead_show_score_reasons_and_provenance_escaped(owner):
    shown = lead()
    for path in ("", f"{shown.pk}/change/"):
        text = owner.get(f"/admin/leads/lead/{path}").content.decode()
        assert "&lt;i&gt;no&lt;/i&gt; website." in text
        assert "<i>no</i>" not in text
        assert "<b>Bakery</b>" not in text
    assert "https://l.example/" in text
    assert "&lt;script&gt;" in text


def test_the_lists_ask_the_same_few_queries_for_many_rows(
    owner, django_assert_max_num_queries
):
    for number in range(15):
        lead(f"Lead {number}")
        Fetch.objects.create(url=f"http://a.example/{number}", host="a", outcome="ok")
        ScrapeJob.objects.create(source="craigslist", parameters={"n": number})
    for model in ("lead", "fetch", "scrapejob", "sourceconsent", "suppression"):
        with django_assert_max_num_queries(12):
            assert owner.get(f"/admin/leads/{model}/").status_code == 200


@pytest.mark.parametrize(
    ("stage", "names"),
    [("", {"A", "B"}), ("merged", {"C"}), ("qualified", {"A"}), ("unscored", {"B"})],
)
def test_merged_leads_are_hidden_until_they_are_asked_for(owner, stage, names):
    one = Lead.objects.create(name="A", score=90)
    Lead.objects.create(name="B")
    Lead.objects.create(name="C", score=95, merged_into=one)
    answer = owner.get("/admin/leads/lead/", {"stage": stage} if stage else {})
    assert {each.name for each in answer.context["cl"].result_list} == names


def test_a_merged_leads_own_page_is_found(owner):
    one = Lead.objects.create(name="A")
    other = Lead.objects.create(name="C", merged_into=one)
    assert owner.get(f"/admin/leads/lead/{other.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("action", "actor"),
    [("enrich_leads", "scrape_website"), ("score_leads", "analyze_lead")],
)
def test_an_action_enqueues_once_however_often_it_is_clicked(owner, action, actor):
    chosen = lead()
    for _ in range(2):
        data = {"action": action, "_selected_action": [chosen.pk]}
        owner.post("/admin/leads/lead/", data)
    task = Task.objects.get()
    assert (task.actor, task.kwargs) == (actor, {"lead_id": chosen.pk})


def test_a_reader_may_look_and_start_nothing(reader):
    chosen = lead()
    data = {"action": "enrich_leads", "_selected_action": [chosen.pk]}
    reader.post("/admin/leads/lead/", data)
    form = {
        "location": "sfbay",
        "category": "bbb",
        "max_results": 5,
        "_form_submitted": "True",
    }
    answer = reader.post("/admin/leads/scrapejob/start_scrape/", form)
    assert answer.status_code == 403
    assert not Task.objects.exists()
    assert reader.get("/admin/leads/lead/").status_code == 200


def test_what_a_person_edits_is_kept_as_a_persons_word(owner):
    chosen = lead()
    fields = ("name", "category", "description", "website", "email", "phone", "street",
              "city", "region", "postal_code", "country")  # fmt: skip
    data = {field: getattr(chosen, field) for field in fields} | {"name": "Rosa & Sons"}
    data |= {"latitude": "", "longitude": ""}
    for prefix in ("facts", "merges"):
        data |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    answer = owner.post(f"/admin/leads/lead/{chosen.pk}/change/", data)
    assert answer.status_code == 302, answer.context["errors"]
    fact = LeadFact.objects.get(lead=chosen, source="person")
    assert (fact.field, fact.value) == ("name", "Rosa & Sons")


def test_the_form_starts_a_scrape(owner, craigslist):
    form = {
        "location": "sfbay",
        "category": "sks",
        "max_results": 5,
        "_form_submitted": "True",
    }
    answer = owner.post("/admin/leads/scrapejob/start_scrape/", form)
    assert answer.headers["HX-Redirect"] == "/admin/leads/scrapejob/"
    task = Task.objects.get()
    assert task.kwargs == {"location": "sfbay", "category": "sks", "max_results": 5}


def test_the_form_says_what_is_wrong(owner, craigslist):
    form = {
        "location": "sfbai",
        "category": "sks",
        "max_results": 5,
        "_form_submitted": "True",
    }
    answer = owner.post("/admin/leads/scrapejob/start_scrape/", form)
    assert "has no location" in answer.content.decode()
    SourceConsent.objects.all().delete()
    answer = owner.post(
        "/admin/leads/scrapejob/start_scrape/", form | {"location": "sfbay"}
    )
    assert "Source consents" in answer.content.decode()
    assert not Task.objects.exists()


def test_consent_is_recorded_with_the_person_who_gave_it(owner, settings):
    data = {
        "source": "craigslist",
        "base_url": f"{settings.CRAIGSLIST_URL}/",
        "note": "mine",
    }
    owner.post("/admin/leads/sourceconsent/add/", data)
    consent = SourceConsent.objects.get()
    assert consent.acknowledged_by.username == "owner"
    assert consent.base_url == settings.CRAIGSLIST_URL


def test_a_suppression_is_added_and_found_by_its_address_and_never_removed(owner):
    for _ in range(2):
        data = {"address": "Rosa@Shop.example", "reason": "asked by phone"}
        owner.post("/admin/leads/suppression/add/", data)
    row = Suppression.objects.get()
    assert is_suppressed("rosa@shop.example")
    found = owner.get("/admin/leads/suppression/", {"q": "rosa@shop.EXAMPLE"})
    assert list(found.context["cl"].result_list) == [row]
    answer = owner.post(f"/admin/leads/suppression/{row.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 403
    bad = owner.post(
        "/admin/leads/suppression/add/", {"address": "rosa", "reason": "x"}
    )
    assert "is not an e-mail address" in bad.content.decode()


def test_the_scrape_list_shows_outcomes_by_source_and_what_is_wrong(owner):
    ScrapeJob.objects.create(
        source="google_maps", state="finished", outcome="blocked", reason="r",
        counts={"leads_created": 2},
    )  # fmt: skip
    SourceNotice.objects.create(source="google_maps", kind="blocked", reason="<b>No")
    page = owner.get("/admin/leads/scrapejob/").content.decode()
    assert "google_maps is blocked" in page
    assert "&lt;b&gt;No" in page
    assert 'aria-label="1 blocked"' in page
    assert "2 new leads" in page


def test_a_job_shows_its_progress_until_it_is_over(owner):
    task_id = enqueue("scrape_craigslist")
    Task.objects.filter(pk=task_id).update(progress_done=3, progress_total=12)
    job = ScrapeJob.objects.create(
        source="craigslist", task_id=task_id, filled={"read": 4, "website": 1}
    )
    Fetch.objects.create(url="u", host="h", outcome="ok", job=job)
    page = owner.get(f"/admin/leads/scrapejob/{job.pk}/change/").content.decode()
    assert 'aria-valuenow="25"' in page
    assert 'hx-trigger="every 2s"' in page
    assert "website 25 %" in page
    job.state, job.outcome, job.reason = "finished", "empty", "Nothing."
    job.save()
    page = owner.get(f"/admin/leads/scrapejob/{job.pk}/change/").content.decode()
    assert "every 2s" not in page
    assert "Nothing." in page


def test_a_lead_shows_its_life_its_map_and_whom_to_name(owner):
    one = lead(city="Duluth")
    Posting.objects.create(
        source="google_maps", key="ChIJ1", url="https://maps.example/", lead=one,
        attribution="Google Maps, Other Co",
    )  # fmt: skip
    page = owner.get(f"/admin/leads/lead/{one.pk}/change/").content.decode()
    assert "Google Maps, Other Co" in page
    assert "First seen." in page
    assert "openstreetmap.org" in page
    LeadKey.objects.create(lead=one, kind="listing", value="google_maps:ChIJ1")
    page = owner.get(f"/admin/leads/lead/{one.pk}/change/").content.decode()
    assert "query_place_id=ChIJ1" in page
    assert "openstreetmap.org" not in page


RECURRING = {
    "scraped": "job_boards", "kwargs": '{"board": "remote_ok"}', "is_enabled": "on",
    "cron": "30 6 * * 1", "timezone": "Europe/Berlin", "misfire": "once",
    "overlap": "skip",
}  # fmt: skip


def test_a_recurring_scrape_is_added_and_changed(owner):
    answer = owner.post("/admin/leads/recurringscrape/add/", RECURRING)
    assert answer.status_code == 302
    row = RecurringScrape.objects.get()
    assert (row.actor, row.kwargs["board"]) == ("scrape_job_boards", "remote_ok")
    assert row.next_run_at
    where = f"/admin/leads/recurringscrape/{row.pk}/change/"
    page = owner.get(where).content.decode()
    assert "06:30" in page
    changed = RECURRING | {"kwargs": '{"board": "hacker_news"}'}
    assert owner.post(where, changed).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.kwargs["board"]) == (
        "scrape job_boards: 100, hacker_news", "hacker_news",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"kwargs": '{"board": "monster"}'}, "greenhouse"),
        (
            {"scraped": "google_maps", "kwargs": '{"query": "x"}'},
            "GOOGLE_PLACES_API_KEY",
        ),
        ({"kwargs": "[1]"}, "Write an object"),
        ({"cron": "every day"}, "cron"),
    ],
)
def test_a_recurring_scrape_that_could_never_run_is_refused(owner, wrong, hint):
    page = owner.post("/admin/leads/recurringscrape/add/", RECURRING | wrong)
    assert hint in page.content.decode()
    assert not RecurringScrape.objects.exists()


def test_the_same_recurring_scrape_is_not_added_twice(owner):
    owner.post("/admin/leads/recurringscrape/add/", RECURRING)
    page = owner.post("/admin/leads/recurringscrape/add/", RECURRING)
    assert "scheduled already" in page.content.decode()


def test_the_other_forms_start_scrapes_and_say_what_is_wrong(owner, settings):
    url = "/admin/leads/scrapejob/start_board/"
    owner.post(
        url,
        {
            "board": "remote_ok",
            "company": "",
            "max_results": 5,
            "_form_submitted": "True",
        },
    )
    assert Task.objects.get().kwargs["board"] == "remote_ok"
    page = owner.post(
        url,
        {"board": "lever", "company": "", "max_results": 5, "_form_submitted": "True"},
    )
    assert "one company at a time" in page.content.decode()
    places = "/admin/leads/scrapejob/start_places/"
    wanted = {
        "query": "plumber",
        "location": "Austin, TX",
        "max_results": 5,
        "_form_submitted": "True",
    }
    assert "GOOGLE_PLACES_API_KEY" in owner.post(places, wanted).content.decode()
    settings.GOOGLE_PLACES_API_KEY = "k"
    owner.post(places, wanted)
    assert Task.objects.filter(actor="scrape_google_maps").count() == 1
