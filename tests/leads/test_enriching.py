"""A visit of a lead's own website, over real HTTP, and its score."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fliptech_site.errors import InvalidInput, RateLimited, TransientError
from leads.enriching import enrich_lead
from leads.merging import store_record
from leads.models import Fetch, Lead, LeadFact
from leads.records import LeadRecord
from leads.scoring import score_lead
from tasks.models import Task

pytestmark = pytest.mark.django_db

GOOD_SITE = """<html><head><title>Bay Dental</title>
  <meta name="viewport" content="width=device-width"><meta name="description" content="d">
  <script type="application/ld+json">{"@type": "Dentist", "name": "Bay Dental",
  "telephone": "(707) 555-0123", "address": {"addressLocality": "Fairview"}}</script>
  </head><body><a href="/contact">Contact</a> &copy; 2026</body></html>"""
CONTACT = """<html><body><form><textarea></textarea></form>
  <a href="mailto:front@bay-dental.example">mail</a></body></html>"""


def lead_with(url: str, name: str = "Dentist wanted", **values) -> Lead:
    stored = store_record(
        LeadRecord({"website": url, **values}, "craigslist", f"l/{name}", timezone.now(),
                   listing_key=f"craigslist:{name}", fallback_name=name)
    )  # fmt: skip
    return Lead.objects.get(pk=stored.lead_id)


def test_a_site_gives_contacts_facts_an_audit_and_the_next_task(web):
    lead = lead_with(web.put("bay", "/", GOOD_SITE))
    web.put("bay", "/contact", CONTACT)
    result = enrich_lead(lead.pk)
    assert result["outcome"] == "ok"
    lead.refresh_from_db()
    assert (lead.name, lead.email) == ("Bay Dental", "front@bay-dental.example")
    assert (lead.phone, lead.city, lead.category) == (
        "+17075550123",
        "Fairview",
        "dentist",
    )
    assert lead.audit["has_contact_form"] is True
    assert lead.audit["pages"] == [web.url("bay", "/"), web.url("bay", "/contact")]
    assert LeadFact.objects.get(lead=lead, field="email").url == web.url("bay", "/")
    task = Task.objects.get()
    assert (task.actor, task.kwargs) == ("analyze_lead", {"lead_id": lead.pk})


def test_a_visit_may_happen_twice(web):
    lead = lead_with(web.put("bay", "/", GOOD_SITE))
    enrich_lead(lead.pk)
    facts = LeadFact.objects.count()
    enrich_lead(lead.pk)
    assert LeadFact.objects.count() == facts
    assert Task.objects.count() == 1


def test_contact_pages_are_read_up_to_a_few(web):
    links = "".join(f'<a href="/contact-{n}">contact</a>' for n in range(9))
    lead = lead_with(web.put("bay", "/", f"<body>{links}"))
    enrich_lead(lead.pk)
    assert len(web.asked("bay")) == 2 + 3  # robots.txt, home page, three more


def test_two_listings_whose_sites_share_a_phone_become_one_lead(web):
    one = lead_with(web.put("bay", "/", GOOD_SITE), "one")
    two = lead_with(web.put("bay-old", "/", GOOD_SITE), "two")
    enrich_lead(one.pk)
    assert enrich_lead(two.pk)["lead_id"] == one.pk
    assert score_lead(two.pk)["lead_id"] == one.pk
    assert list(Lead.objects.active().values_list("pk", flat=True)) == [one.pk]


def test_a_lead_without_a_site_goes_straight_to_its_score(web):
    lead = lead_with("", city="Fairview")
    assert enrich_lead(lead.pk)["reason"] == "It has no website of its own."
    assert score_lead(lead.pk) == {"lead_id": lead.pk, "score": 70, "qualifies": True}
    assert Fetch.objects.count() == 0


def test_a_site_that_forbids_us_is_not_judged(web):
    web.put("bay", "/robots.txt", "User-agent: *\nDisallow: /")
    lead = lead_with(web.put("bay", "/", GOOD_SITE))
    assert enrich_lead(lead.pk)["outcome"] == "denied_by_robots"
    assert score_lead(lead.pk)["qualifies"] is False
    assert web.asked("bay") == ["/robots.txt"]


def test_a_rate_limited_site_lets_the_task_wait(web):
    headers = {"Retry-After": "200"}
    lead = lead_with(web.put("bay", "/", status=429, headers=headers))
    with pytest.raises(RateLimited) as raised:
        enrich_lead(lead.pk)
    assert 190 < raised.value.retry_after <= 200


def test_a_pause_of_a_day_is_not_waited_for(web):
    headers = {"Retry-After": "86400"}
    lead = lead_with(web.put("bay", "/", status=429, headers=headers))
    assert enrich_lead(lead.pk)["outcome"] == "rate_limited"


def test_a_broken_site_counts_as_down_only_at_the_second_look(web):
    lead = lead_with(web.put("bay", "/", status=500))
    with pytest.raises(TransientError) as raised:
        enrich_lead(lead.pk)
    assert raised.value.retry_after > 15
    Fetch.objects.update(created_at=timezone.now() - timedelta(seconds=16))
    assert enrich_lead(lead.pk)["outcome"] == "error"
    score_lead(lead.pk)
    lead.refresh_from_db()
    assert lead.score == 60
    assert "does not work" in lead.score_reasons[0]["reason"]


def test_a_lost_robots_txt_is_one_look_and_not_two(web):
    web.put("bay", "/robots.txt", status=500)
    lead = lead_with(web.put("bay", "/", "x"))
    Fetch.objects.create(
        url="u", host="h", lead=lead, purpose="robots", outcome="error"
    )
    Fetch.objects.update(created_at=timezone.now() - timedelta(seconds=16))
    with pytest.raises(TransientError):
        enrich_lead(lead.pk)


def test_a_page_on_a_platform_is_not_fetched(web):
    lead = lead_with("https://www.facebook.com/bay")
    enrich_lead(lead.pk)
    assert Fetch.objects.count() == 0
    assert score_lead(lead.pk)["score"] == 60


def test_a_lead_that_does_not_exist_is_refused(db):
    with pytest.raises(InvalidInput, match="no lead 4711"):
        enrich_lead(4711)
    with pytest.raises(InvalidInput, match="no lead 4711"):
        score_lead(4711)


def test_characters_that_the_database_can_not_keep_do_no_harm(web):
    nasty = r"""<html><head><title>\u0000</title><script type="application/ld+json">
      {"@type": "Dentist", "name": "Bay\u0000 \ud800Dental", "telephone": "\u0000",
      "email": "a\u0000@b.example", "address": {"addressLocality": "\ud800"}}
      </script></head><body>&#0;&#xd800; x@y.example</body></html>"""
    lead = lead_with(web.put("bay", "/", nasty))
    assert enrich_lead(lead.pk)["outcome"] == "ok"
    lead.refresh_from_db()
    assert lead.name == "Bay Dental"
    assert lead.email == "a@b.example"
