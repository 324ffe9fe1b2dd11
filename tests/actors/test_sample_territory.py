"""The sample territory serves every shape that it promises, over real HTTP."""

from __future__ import annotations

import datetime
import html
import http.client
import json
import re
import threading
import time

import lxml.html
import pytest

from leads.sample_territory.answering import Request, answer
from leads.sample_territory.postings import postings
from leads.sample_territory.serving import Territory
from leads.sample_territory.sites import SITES

POOR = [
    "rosales-bakery",
    "harbor-light-plumbing",
    "blue-gum-landscaping",
    "pier-nine-auto",
    "tidewater-upholstery",
    "sunrise-nails",
    "okafor-moving",
    "old-mill-antiques",
]
GOOD = ["alder-point-dental", "fogline-coffee"]


@pytest.fixture
def territory():
    with Territory(0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(territory, name, target="/", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", territory.port, timeout=10)
    try:
        connection.request(
            method, target, headers={"Host": f"{name}.localhost:{territory.port}"}
        )
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def search(territory, category="bbb"):
    return get(territory, "craigslist", f"/search/area/sfbay?cat={category}")


def page(name, path="/", earlier_visits=1):
    return answer(
        Request(
            host=f"{name}.localhost",
            target=path,
            port=8099,
            today=datetime.date(2031, 5, 6),
            earlier_visits=earlier_visits,
        )
    )


def rows(body):
    return lxml.html.fromstring(body).xpath(
        "//ol[@class='cl-static-search-results']/li[@class='cl-static-search-result']"
    )


def test_the_listing_has_craigslists_static_shape(territory):
    status, headers, body = search(territory)

    text = body.decode()
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert text.count("https://www.craigslist.org/static/") == 3
    tree = lxml.html.fromstring(body)
    (ol,) = tree.xpath("//ol[@class='cl-static-search-results']")
    assert "hub=" in ol.xpath("string(li[@class='cl-static-hub-links']//a/@href)")
    assert tree.xpath("//div[@class='cl-static-header']/a")
    assert tree.xpath("//div[@class='cl-static-header']/h1")
    data = json.loads(tree.get_element_by_id("ld_searchpage_data").text)
    assert data["@type"] == "SearchResultsPage"
    assert b"ld_searchpage_results" not in body


def test_every_row_links_to_a_posting_of_the_same_server(territory):
    _, _, body = search(territory)

    link = re.compile(
        rf"http://craigslist\.localhost:{territory.port}/view/d/[a-z0-9-]+/[A-Za-z0-9_-]{{22}}"
    )
    found = rows(body)
    assert len(found) == len(postings())
    for row in found:
        (a,) = row.xpath("./a")
        assert link.fullmatch(a.get("href"))
        assert row.get("title") == a.xpath("string(./div[@class='title'])")
        assert a.xpath("./div[@class='details']/div[@class='location']")


def test_the_class_of_a_row_also_stands_in_the_pages_own_css(territory):
    _, _, body = search(territory, "trv")

    assert body.count(b"cl-static-search-result ") >= 1


def test_an_empty_category_keeps_the_container_and_has_no_rows(territory):
    status, _, body = search(territory, "trv")

    assert status == 200
    assert rows(body) == []
    assert b'<ol class="cl-static-search-results">' in body
    assert body.count(b"https://www.craigslist.org/static/") == 3


def test_a_category_shows_its_own_postings_only(territory):
    _, _, body = search(territory, "sks")

    assert [row.get("title") for row in rows(body)] == [
        p.title for p in postings() if p.category == "sks"
    ]


def test_the_blocked_category_answers_like_a_block(territory):
    status, _, body = search(territory, "lgs")

    assert status == 403
    assert b"<title>blocked</title>" in body
    assert b"https://www.craigslist.org/static/" not in body


def test_an_unknown_area_is_not_found(territory):
    assert get(territory, "craigslist", "/search/area/atlantis?cat=bbb")[0] == 404


def test_every_posting_has_the_shape_of_a_posting_page(territory):
    _, _, body = search(territory)

    for row, posting in zip(rows(body), postings(), strict=True):
        path = row.xpath("string(./a/@href)").split(str(territory.port), 1)[1]
        status, _, content = get(territory, "craigslist", path)
        tree = lxml.html.fromstring(content)
        assert status == 200
        if posting.removed:
            assert tree.get_element_by_id("removed").text_content().strip()
            continue
        assert tree.get_element_by_id("titletextonly").text == posting.title
        assert posting.text[0] in tree.get_element_by_id("postingbody").text_content()
        map_data = tree.get_element_by_id("map").get("data-latitude")
        assert map_data == str(posting.latitude)
        assert tree.xpath("//div[@class='postinginfos']//time/@datetime")
        assert "/reply/" in tree.xpath("string(//button/@data-href)")
        assert "unavailable_after" in tree.xpath(
            "string(//meta[@name='robots']/@content)"
        )


def test_one_business_is_posted_twice_and_two_have_no_website():
    sites = [p.website.split("?")[0] for p in postings() if not p.removed]

    assert sites.count("http://harbor-light-plumbing.localhost:{port}/") == 2
    assert sites.count("") == 2
    assert len(set(sites) - {""}) == len(SITES) == 12


def test_the_listing_forbids_replies_and_names_a_delay(territory):
    status, _, body = get(territory, "craigslist", "/robots.txt")

    assert status == 200
    assert b"Disallow: /reply" in body
    assert b"Crawl-delay: 0.2" in body


@pytest.mark.parametrize("name", POOR)
def test_a_poor_site_looks_its_age(name):
    body = page(name).body.decode(errors="replace").lower()

    assert "viewport" not in body
    assert 'name="description"' not in body
    assert "<form" not in body
    years = [int(year) for year in re.findall(r"\b(20\d\d)\b", body)]
    assert years
    assert max(years) <= 2016


@pytest.mark.parametrize("name", GOOD)
def test_a_good_site_is_up_to_date(name):
    body = page(name).body.decode()

    tree = lxml.html.fromstring(body)
    assert tree.xpath("//meta[@name='viewport']")
    assert len(tree.xpath("//meta[@name='description']/@content")[0]) > 80
    assert tree.xpath("//form//input[@type='email']")
    assert "© 2031" in html.unescape(body)
    (block,) = tree.xpath("//script[@type='application/ld+json']/text()")
    assert json.loads(block)["@context"] == "https://schema.org"


def test_addresses_hide_the_way_they_do_outside():
    plumbing = page("harbor-light-plumbing").body.decode()
    assert "@" not in plumbing
    assert "office@harbor-light-plumbing.example" in html.unescape(plumbing)
    assert (
        b"garden (at) blue-gum-landscaping (dot) example"
        in page("blue-gum-landscaping").body
    )
    coded = re.search(r'data-cfemail="(\w+)"', page("pier-nine-auto").body.decode())
    assert coded
    key, *rest = bytes.fromhex(coded[1])
    assert bytes(b ^ key for b in rest) == b"shop@pier-nine-auto.example"
    assert b"@" not in page("tidewater-upholstery").body
    assert b"mailto:ines@" in page("tidewater-upholstery", "/contact.html").body


def test_one_page_has_a_good_and_a_malformed_block_side_by_side():
    tree = lxml.html.fromstring(page("sunrise-nails").body)

    good, malformed = tree.xpath("//script[@type='application/ld+json']/text()")
    assert json.loads(good)["email"] == "hello@sunrise-nails.example"
    with pytest.raises(json.JSONDecodeError):
        json.loads(malformed)


def test_one_site_denies_every_robot_and_one_names_a_delay(territory):
    assert b"Disallow: /\n" in get(territory, "lockwood-locksmith", "/robots.txt")[2]
    assert (
        b"Crawl-delay: 0.5" in get(territory, "tidewater-upholstery", "/robots.txt")[2]
    )
    assert get(territory, "rosales-bakery", "/robots.txt")[0] == 404


def test_the_first_visit_is_limited_and_the_second_is_not(territory):
    get(territory, "okafor-moving", "/robots.txt")

    status, headers, _ = get(territory, "okafor-moving")
    assert (status, headers["Retry-After"]) == (429, "2")
    assert get(territory, "okafor-moving")[0] == 200


def test_the_broken_pages_are_broken_as_promised():
    assert page("marisol-vega-photo").status == 500
    antiques = page("old-mill-antiques")
    with pytest.raises(UnicodeDecodeError):
        antiques.body.decode("utf-8")
    assert "étagères" in antiques.body.decode("windows-1252")
    assert b"</html>" not in antiques.body


def test_the_slow_site_takes_its_time(territory):
    started = time.monotonic()

    assert get(territory, "harbor-light-plumbing")[0] == 200
    assert time.monotonic() - started >= 1.5


def test_the_bare_address_lists_the_territory(territory):
    connection = http.client.HTTPConnection("127.0.0.1", territory.port, timeout=10)
    connection.request("GET", "/")
    body = connection.getresponse().read().decode()
    connection.close()

    for name in SITES:
        assert f"http://{name}.localhost:{territory.port}" in body


def test_a_page_outside_the_folder_is_never_served():
    for path in ("/../fogline-coffee/index.html", "/%2e%2e/", "/nothing.html", "//etc"):
        assert page("rosales-bakery", path).status == 404


def test_head_answers_without_a_body(territory):
    status, headers, body = get(territory, "fogline-coffee", method="HEAD")

    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000
