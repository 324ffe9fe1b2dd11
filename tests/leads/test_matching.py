"""What makes two records the same business."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.matching import match_keys, normalise_name, tidy_url, website_key


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.Shop.example/about?x=1", "shop.example"),
        ("http://shop.example:80", "shop.example"),
        ("http://shop.localhost:8099/", "shop.localhost:8099"),
        ("https://m.shop.example", "shop.example"),
        ("https://facebook.com/BayDental/", "facebook.com/baydental"),
        ("https://www.facebook.com/profile.php?id=123&x=1", "facebook.com/profile.php?id=123"),
        ("https://facebook.com/", ""),
        ("https://bay.business.site/x", "bay.business.site"),
        ("not a url", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_website_is_known_by_its_host_and_on_platforms_by_its_path(url, key):
    assert website_key(url) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rosa's Bakery, Inc.", "ROSAS BAKERY"),
        ("Café Élan LLC", "cafe elan"),
        ("Nails & Spa", "Nails and Spa"),
        ("The Old Mill", "old mill"),
    ],
)
def test_spelling_does_not_make_another_business(one, other):
    assert normalise_name(one) == normalise_name(other)


def test_a_name_of_legal_forms_only_is_still_a_name():
    assert normalise_name("The Co.") == "the co"


def test_a_name_without_a_city_identifies_nobody():
    assert match_keys({"name": "Joe's Pizza"}) == []
    assert match_keys({"name": "Joe's Pizza", "city": "Ely"}) == [
        ("name_city", "joes pizza|ely")
    ]


def test_what_tracks_clicks_is_dropped_from_addresses():
    url = "http://shop.example/?utm_source=x&b=1&fbclid=2#top"
    assert tidy_url(url) == "http://shop.example/?b=1"
    assert tidy_url("http://shop.example/?utm_source=x") == "http://shop.example/"


@given(
    st.dictionaries(st.sampled_from(["name", "city", "website", "phone"]), st.text())
)
def test_any_values_have_sorted_keys_that_fit_their_columns(values):
    keys = match_keys(values)
    assert keys == sorted(set(keys))
    assert all(len(key.value) <= 400 and key.value for key in keys)
