from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from demos.expiring import revoke
from demos.models import DemoSite, DemoView, VisitorSalt
from demos.publishing import page_path
from tests.demos.conftest import BROWSER

PERSON = {"User-Agent": BROWSER}


@pytest.fixture
def address(site):
    return f"/d/{site.token}/"


def test_the_page_comes_with_headers_that_keep_it_private_and_still(
    client, site, address
):
    response = client.get(address, headers=PERSON)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "private, max-age=300"
    policy = response["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{site.script_hash}'" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1]
    assert "Set-Cookie" not in response


def test_an_unchanged_page_is_not_sent_again(client, address):
    tag = client.get(address, headers=PERSON)["ETag"]
    response = client.get(address, headers={"If-None-Match": tag, **PERSON})
    assert response.status_code == 304
    assert response.content == b""
    assert response["ETag"] == tag
    assert "Content-Security-Policy" in response


def test_a_changed_page_has_another_tag(client, site, address):
    from demos.building import generate_demo

    tag = client.get(address)["ETag"]
    site.lead.name = "New name"
    site.lead.save()
    generate_demo(site.lead_id)
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_head_gives_the_headers_and_never_counts(client, site, address):
    response = client.head(address, headers=PERSON)
    assert response.status_code == 200
    assert response.content == b""
    assert response["ETag"]
    assert int(response["Content-Length"]) == site.size_bytes
    assert not DemoView.objects.exists()


def test_unknown_addresses_all_get_the_same_answer(client, db):
    answers = {client.get(f"/d/{token}/").content for token in ("a", "b" * 22, "…")}
    assert len(answers) == 1
    assert client.get("/d/nobody/").status_code == 404
    assert client.post("/d/nobody/seen").status_code == 404


@pytest.mark.parametrize("how", ["expired", "revoked", "past its date"])
def test_what_was_taken_down_answers_with_a_friendly_410(client, site, address, how):
    if how == "revoked":
        revoke([site.pk])
    elif how == "expired":
        DemoSite.objects.update(state="expired")
    else:
        DemoSite.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = client.get(address, headers=PERSON)
    assert response.status_code == 410
    assert b"no longer online" in response.content
    assert b"Harbor" not in response.content
    assert response["Cache-Control"] == "no-store"
    assert client.post(f"{address}seen", headers=PERSON).status_code == 404
    assert not DemoView.objects.exists()


def test_a_page_that_is_not_there_yet_asks_to_come_back(client, lead):
    site = DemoSite.objects.create(lead=lead)
    response = client.get(f"/d/{site.token}/")
    assert response.status_code == 503
    assert response["Retry-After"] == "60"


def test_a_lost_file_is_no_error_page(client, site, address, caplog):
    page_path(site.token, site.build).unlink()
    assert client.get(address).status_code == 503
    assert f"The page of demo site {site.pk} is not on disk" in caplog.text


def test_other_methods_are_refused(client, address):
    assert client.post(address).status_code == 405
    assert client.get(f"{address}seen").status_code == 405


def test_a_fetch_is_a_hit_and_no_view(client, address):
    client.get(address, headers=PERSON)
    visit = DemoView.objects.get()
    assert (visit.visitor, visit.hits, visit.views) == ("person", 1, 0)


def test_a_view_is_what_the_page_itself_reports(client, address):
    client.get(address, headers=PERSON)
    assert client.post(f"{address}seen", headers=PERSON).status_code == 204
    visit = DemoView.objects.get()
    assert (visit.hits, visit.views) == (1, 1)


def test_two_tabs_are_one_visitor(client, address):
    for _ in range(2):
        client.get(address, headers=PERSON)
        client.post(f"{address}seen", headers=PERSON)
    assert DemoView.objects.count() == 1
    assert DemoView.objects.get().views == 2


def test_a_crawler_is_kept_apart_from_people(client, address):
    crawler = {"User-Agent": "Mozilla/5.0 (compatible; bingbot/2.0)"}
    client.get(address, headers=crawler)
    client.get(address, headers=PERSON)
    assert sorted(DemoView.objects.values_list("visitor", "views")) == [
        ("bot", 0),
        ("person", 0),
    ]


def test_our_own_team_is_kept_apart_from_people(admin_client, address):
    admin_client.get(address, headers=PERSON)
    assert DemoView.objects.get().visitor == "team"


def test_no_address_is_kept_and_a_day_without_its_salt_leads_nowhere(client, address):
    client.get(address, headers=PERSON, REMOTE_ADDR="203.0.113.9")
    visit = DemoView.objects.values().get()
    assert "203.0.113.9" not in str(visit)
    first = visit["visitor_hash"]
    VisitorSalt.objects.all().delete()
    client.get(address, headers=PERSON, REMOTE_ADDR="203.0.113.9")
    assert DemoView.objects.exclude(visitor_hash=first).count() == 1


def test_behind_a_proxy_the_last_forwarded_address_tells_visitors_apart(
    client, address, settings
):
    def visitors(*forwarded):
        DemoView.objects.all().delete()
        for one in forwarded:
            client.get(address, headers={"X-Forwarded-For": one, **PERSON})
        return DemoView.objects.count()

    assert visitors("203.0.113.1", "203.0.113.2") == 1
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert visitors("203.0.113.1", "203.0.113.2") == 2
    assert visitors("1.1.1.1, 203.0.113.1", "2.2.2.2, 203.0.113.1") == 1


def test_a_hostile_user_agent_is_only_text(client, address):
    client.get(address, headers={"User-Agent": "\x00<script>" + "x" * 5000})
    assert len(DemoView.objects.get().user_agent) == 200


def test_crawlers_are_asked_to_stay_away(client):
    response = client.get("/robots.txt")
    assert response.content == b"User-agent: *\nDisallow: /\n"
