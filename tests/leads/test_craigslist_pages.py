"""Craigslist's pages: content, empty, unpainted, blocked, removed and unknown."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from leads.sources.base import PageState
from leads.sources.craigslist import read_page
from leads.sources.craigslist_pages import posting_key, read_list
from leads.sources.craigslist_places import areas, find_area, find_category
from leads.sources.craigslist_postings import read_posting
from leads.sources.posting_text import find_website, leading_name
from tests.leads import craigslist_shapes as shapes

URL = f"{shapes.BASE}/search/area/sfbay?cat=bbb"


def test_rows_inside_the_container_are_the_results_and_nothing_else():
    text = shapes.list_page(shapes.row(1, "Brakes") + shapes.row(2, place=""))
    page = read_list(text, url=URL)
    assert page.state == PageState.CONTENT
    assert [(row.key, row.title, row.place) for row in page.rows] == [
        (shapes.token(1), "Brakes", "Town"),
        (shapes.token(2), "Job number 2", ""),
    ]
    assert page.rows[0].url == f"{shapes.BASE}/view/d/some-slug/{shapes.token(1)}"


def test_a_listing_that_stands_twice_is_one_row():
    page = read_list(shapes.list_page(shapes.row(1) * 2), url=URL)
    assert len(page.rows) == 1


def test_an_empty_list_is_proved_empty():
    assert read_list(shapes.list_page(""), url=URL).state == PageState.EMPTY


def test_a_list_that_only_a_browser_fills_is_not_an_empty_one():
    page = read_list(shapes.list_page("", scripts=shapes.ITEM_LIST), url=URL)
    assert page.state == PageState.UNPAINTED


@pytest.mark.parametrize("text", [shapes.BLOCK_PAGE, "", "<html></html>", "{}"])
def test_a_blocked_page_is_never_an_empty_one(text):
    page = read_list(text, url=URL)
    assert page.state == PageState.BLOCKED
    assert page.reason


def test_craigslists_own_page_without_a_list_is_unknown():
    assert read_list(shapes.NO_LIST, url=URL).state == PageState.UNKNOWN


def test_rows_without_known_links_mean_that_the_markup_changed():
    rows = '<li class="cl-static-search-result"><a href="/other/7">x</a></li>'
    page = read_list(shapes.list_page(rows), url=URL)
    assert (page.state, page.unreadable) == (PageState.UNKNOWN, 1)


def test_every_row_of_a_long_list_is_read_whatever_signs_its_token_has():
    rows = "".join(shapes.row(number) for number in range(350))
    page = read_list(shapes.list_page(rows), url=URL)
    assert len({row.key for row in page.rows}) == len(page.rows) == 350


def test_prices_are_read_and_the_placeholder_of_jobs_is_none():
    dear = shapes.row(2).replace("$0", "$1,200")
    page = read_list(shapes.list_page(shapes.row(1) + dear), url=URL)
    assert [row.price for row in page.rows] == ["", "$1,200"]


def test_positions_of_the_json_ld_go_to_the_rows_of_their_titles_in_order():
    """The JSON-LD is a subsequence of the rows; titles repeat; 0,0 is no place."""
    things = [("Sofa", 38.1, -122.2), ("Lamp", 0, 0), ("Sofa", 38.3, -122.4)]
    items = [
        {"@type": "ListItem", "position": "0", "item": {"@type": "Product", "name": name,
         "offers": {"availableAtOrFrom": {"geo": {"latitude": lat, "longitude": lon}}}}}
        for name, lat, lon in things
    ]  # fmt: skip
    data = json.dumps({"@type": "ItemList", "itemListElement": items})
    script = (
        f'<script type="application/ld+json" id="ld_searchpage_results">{data}</script>'
    )
    titles = ("Chair", "Sofa", "Lamp", "Sofa", "Sofa")
    rows = "".join(shapes.row(at, title) for at, title in enumerate(titles))
    page = read_list(shapes.list_page(rows, scripts=script), url=URL)
    assert [row.latitude for row in page.rows] == [None, 38.1, None, 38.3, None]


def test_an_item_list_without_items_leaves_an_empty_list_empty():
    script = shapes.ITEM_LIST.replace('[{"@type": "ListItem"}]', "[]")
    page = read_list(shapes.list_page("", scripts=script), url=URL)
    assert page.state == PageState.EMPTY


LEGACY_ROW = """<li class="result-row" data-pid="{0}"><a class="result-image" href=
  "https://sfbay.craigslist.org/eby/sks/d/x/{0}.html"></a>
  <time class="result-date" datetime="2019-05-01 10:00">May 1</time>
  <a class="result-title hdrlnk" href="https://sfbay.craigslist.org/eby/sks/d/x/{0}.html">
  Fences</a><span class="result-price">$50</span>
  <span class="result-hood"> (oakland)</span></li>"""


def test_a_saved_page_of_the_old_kind_is_read_without_the_rows_nearby():
    text = (
        f'<ul class="rows">{LEGACY_ROW.format(7901234567)}'
        f'<h4 class="ban nearby">Few local results found.</h4>{LEGACY_ROW.format(7901234568)}</ul>'
    )
    (row,) = read_list(text, url=URL).rows
    assert (row.key, row.title, row.place, row.price, row.posted_at) == (
        "7901234567", "Fences", "oakland", "$50", "2019-05-01 10:00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ('<div class="noresults">Nothing found for that search.</div>', "empty"),
        ('<div class="cl-search-results"><span class="visible-counts">no results</span></div>', "empty"),
        ('<div class="cl-search-results"></div>', "unpainted"),
    ],
)  # fmt: skip
def test_a_page_without_the_static_list_says_what_it_is(body, state):
    text = shapes.NO_LIST.replace("<h1>welcome</h1>", body)
    assert read_list(text, url=URL).state == state


def test_a_page_saved_from_a_browser_is_read_too():
    card = f"""<div data-pid="1"><a class="posting-title" href="/view/d/s/{shapes.token(5)}">
      <span class="label">Piano tuning</span></a>
      <div class="result-location">Oakland</div></div>"""
    page = read_list(f"<html><body>{card}</body></html>", url=URL)
    assert [(row.title, row.place) for row in page.rows] == [
        ("Piano tuning", "Oakland")
    ]


@pytest.mark.parametrize(
    ("url", "key"),
    [
        (
            f"{shapes.BASE}/view/d/a-slug/abcdefghij_-ABCDEFGH12",
            "abcdefghij_-ABCDEFGH12",
        ),
        ("https://sfbay.craigslist.org/eby/sks/d/slug/7901234567.html", "7901234567"),
        (f"{shapes.BASE}/view/d/a-slug/tooshort", ""),
        ("http://[broken", ""),
    ],
)
def test_tokens_and_legacy_numbers_are_the_keys(url, key):
    assert posting_key(url) == key


def test_a_posting_gives_name_website_place_and_expiry():
    page = read_posting(
        shapes.posting(
            "Water heaters",
            "Harbor Light Plumbing has fixed pipes since 1994. See"
            " www.harbor-light.example or https://facebook.com/harborlight.",
        )
    )
    assert page.state == PageState.CONTENT
    assert page.headline == "Water heaters"
    expected = {
        "name": "Harbor Light Plumbing",
        "website": "http://www.harbor-light.example",
        "category": "skilled trade services",
        "city": "Fairview",
        "region": "CA",
        "latitude": 38.04,
        "longitude": -122.27,
    }
    assert expected.items() <= page.values.items()
    assert page.expires_at == datetime(2026, 12, 23, 16, tzinfo=UTC)
    assert "QR Code" not in str(page.values["description"])


def test_no_contact_data_of_the_poster_is_kept():
    text = "Call 415-555-0123 or (415) 555.0199, mail joe (at) pipes (dot) example"
    page = read_posting(shapes.posting("Call Joe 415 555 0123", text))
    kept = f"{page.values} {page.headline}"
    assert "555" not in kept
    assert "pipes" not in kept
    assert "email" not in page.values
    assert "phone" not in page.values


def test_a_job_post_names_its_company():
    data = """<script type="application/ld+json">{"@type": "JobPosting",
      "hiringOrganization": {"@type": "Organization", "name": "Tidewater &amp; Sons"}}
      </script>"""
    page = read_posting(shapes.posting("Help wanted", "We hire.") + data)
    assert page.values["name"] == "Tidewater & Sons"


def test_a_removed_posting_is_told_apart_from_a_blocked_one():
    assert read_posting(shapes.REMOVED).state == PageState.REMOVED
    assert read_posting(shapes.BLOCK_PAGE).state == PageState.BLOCKED
    assert read_posting(shapes.NO_LIST).state == PageState.UNKNOWN


def test_a_posting_that_quotes_a_removal_is_there():
    text = "My last post said: this posting has been deleted by its author."
    assert read_posting(shapes.posting("Roofs", text)).state == PageState.CONTENT


def test_what_else_a_posting_says_is_kept_by_its_labels():
    extra = """<p class="postinginfo">post id: 7901234567</p>
      <p class="postinginfo reveal">updated: <time datetime="2026-11-02T08:00:00-0700"></time></p>
      <p class="postinginfo">posted: <time datetime="2026-11-01T08:00:00-0700">x</time></p>
      <div class="attrgroup"><span class="valu year">2011</span><div class="attr">
      <span class="labl">condition:</span> <span class="valu">good</span></div>
      <div class="attr license"><span class="valu">licensed</span></div></div>
      <a href="https://images.craigslist.org/00a_50x50c.jpg">1</a>
      <script>window.cl.init('', {'repost_of': 7901230000})</script>"""
    details = read_posting(shapes.posting("Roofs", "We roof.") + extra).details
    assert details == {
        "post_id": "7901234567",
        "posted_at": "2026-11-01T08:00:00-0700",
        "updated_at": "2026-11-02T08:00:00-0700",
        "repost_of": "7901230000",
        "attributes": {"condition": "good", "license": "licensed", "year": "2011"},
        "images": ["https://images.craigslist.org/00a_1200x900.jpg"],
    }


def test_a_saved_page_is_read_as_the_kind_that_it_is():
    row = read_page(shapes.list_page(shapes.row(1)), "").items
    assert row[0]["key"] == shapes.token(1)
    posting = read_page(shapes.posting("Roofs", "We roof houses."), "")
    assert (posting.outcome, posting.items[0]["title"]) == ("ok", "Roofs")
    assert read_page(shapes.REMOVED, "").outcome == "empty"
    assert read_page(shapes.BLOCK_PAGE, "").outcome == "blocked"
    unreadable = '<li class="cl-static-search-result"><a href="/x">x</a></li>'
    partial = read_page(shapes.list_page(shapes.row(1) + unreadable), "")
    assert (partial.outcome, len(partial.items)) == ("partial", 1)
    assert partial.reason == "1 of 2 rows have no link that is known."


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Sunrise Nails & Spa: clean tools", "Sunrise Nails & Spa"),
        ("Pier Nine Auto Repair. Two lifts", "Pier Nine Auto Repair"),
        ("Call Now For Quotes on anything", ""),
        ("we clean houses", ""),
        ("BEST PLUMBING IN TOWN", ""),
    ],
)
def test_a_name_is_taken_only_when_the_posting_opens_with_one(text, name):
    assert leading_name(text) == name


def test_an_own_site_comes_before_a_page_on_a_platform():
    text = "https://facebook.com/x and https://craigslist.org/y and www.own.example,"
    assert find_website([], text) == "http://www.own.example"
    assert find_website([], "https://facebook.com/x") == "https://facebook.com/x"
    assert find_website([], "https://sfbay.craigslist.org/x") == ""


@given(st.text())
def test_any_text_is_a_list_page_with_a_state(text):
    page = read_list(text, url=URL)
    assert page.rows or page.reason


@given(st.text())
def test_any_text_is_a_posting_with_a_state(text):
    assert read_posting(text).state in PageState


@given(st.text(alphabet="<>/=\"' abcdlisto-#&;\x00\ud800"))
def test_any_markup_is_a_page_with_a_state(text):
    assert read_list(f"<ol class=cl-static-search-results>{text}", url=URL).state
    assert read_posting(f"<section id=postingbody>{text}").state


@pytest.mark.parametrize(
    ("location", "hint"),
    [("sfbai", "'sfbay'"), ("San Francisco", "'sfbay'"), ("chikago", "'chicago'")],
)
def test_an_unknown_location_names_the_nearest_ones(location, hint):
    with pytest.raises(InvalidInput, match=hint):
        find_area(location)


@pytest.mark.parametrize(
    ("category", "hint"),
    [("plumbing", "'sks'"), ("bb", "'bbb'"), ("beauty", "'bts'"), ("zzz", "'")],
)
def test_an_unknown_category_names_the_nearest_ones(category, hint):
    with pytest.raises(InvalidInput, match=hint):
        find_category(category)


@given(st.text())
def test_any_location_is_known_or_refused(location):
    try:
        assert find_area(location).name in areas()
    except InvalidInput as error:
        assert str(error).endswith(".")  # noqa: PT017
