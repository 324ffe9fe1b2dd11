"""JSON-LD: every good block is kept when a sibling is malformed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.pages import parse_html
from leads.structured import (
    business_values,
    find_business,
    read_json_ld,
    text_value,
    types_of,
)

DENTIST = {
    "@context": "https://schema.org",
    "@type": "Dentist",
    "name": "Bay Dental",
    "telephone": "(707) 555-0123",
    "address": {
        "@type": "PostalAddress",
        "streetAddress": "5 Main St",
        "addressLocality": "Fairview",
        "addressRegion": "CA",
        "postalCode": "94995",
        "addressCountry": {"@type": "Country", "name": "US"},
    },
    "geo": {"latitude": "38.04", "longitude": -122.27},
}
GOOD = json.dumps(DENTIST)


def page(*blocks: str):
    scripts = (
        f'<script type="application/ld+json">{block}</script>' for block in blocks
    )
    return parse_html(f"<html><head>{''.join(scripts)}</head><body>x</body></html>")


def names(*blocks: str) -> list[str]:
    return [
        node["name"]
        for node in read_json_ld(page(*blocks))
        if "Dentist" in types_of(node)
    ]


@pytest.mark.parametrize(
    "broken",
    ["{", "", "not json", '{"@type": "Dentist", "name": }', "[" * 5000, "null", "7",
     '{"a": 1}}', "{'single': 'quotes'}"],
)  # fmt: skip
def test_a_good_block_survives_a_malformed_sibling(broken):
    assert names(broken, GOOD, broken) == ["Bay Dental"]


@pytest.mark.parametrize(
    "block",
    [
        GOOD,
        GOOD + "}",
        f"<!-- {GOOD} -->",
        f"//<![CDATA[\n{GOOD}\n//]]>",
        f"<![CDATA[{GOOD}]]>",
        GOOD.replace('"', "&quot;"),
        GOOD.replace("}", ",}"),
        GOOD.replace("Bay Dental", "Bay Dental").replace("5 Main St", "5 Main\nSt"),
        f"[{GOOD}]",
        json.dumps({"@graph": [{"@type": "WebSite", "name": "x"}, DENTIST]}),
        json.dumps({"@type": "WebPage", "mainEntity": DENTIST}),
        f"{GOOD}\n{GOOD[:-5]}",
    ],
)
def test_a_damaged_or_wrapped_block_is_still_read(block):
    assert names(block)[0] == "Bay Dental"


def test_the_fields_of_a_business_are_read_from_any_legal_form():
    node = find_business(read_json_ld(page(GOOD)))
    assert node is not None
    values = business_values(node)
    assert values == {
        "name": "Bay Dental",
        "description": "",
        "phone": "(707) 555-0123",
        "email": "",
        "category": "dentist",
        "street": "5 Main St",
        "city": "Fairview",
        "region": "CA",
        "postal_code": "94995",
        "country": "US",
        "latitude": 38.04,
        "longitude": -122.27,
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a &amp;  b", "a & b"),
        (["x", "y"], "x"),
        ({"name": "Country"}, "Country"),
        ({"@value": "v"}, "v"),
        ([{"name": ["deep"]}], "deep"),
        (5, "5"),
        (None, ""),
        (True, ""),
        ([], ""),
        ({}, ""),
    ],
)
def test_a_value_may_be_text_object_list_or_nothing(value, text):
    assert text_value(value) == text


def test_the_special_business_is_preferred_to_the_general_organisation():
    nodes = [{"@type": "Organization", "name": "Web Agency", "email": "x"}, DENTIST]
    assert find_business(nodes) is DENTIST


def test_people_products_and_pages_are_no_business():
    nodes = [
        {"@type": kind, "name": "x", "telephone": "1"} for kind in ("Person", "Product")
    ]
    assert find_business(nodes) is None


def test_latitude_and_longitude_zero_mean_that_there_are_none():
    values = business_values(
        {"@type": "Store", "name": "x", "geo": {"latitude": 0, "longitude": 0}}
    )
    assert "latitude" not in values


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["@type", "@graph", "name", "address", "geo", "telephone",
                         "latitude", "longitude", "streetAddress"]),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(JSON)
def test_any_json_is_read_without_an_error(value):
    nodes = read_json_ld(page(json.dumps(value).replace("<", "\\u003c")))
    if business := find_business(nodes):
        assert business_values(business)["name"]


@given(st.text())
def test_any_block_is_read_without_an_error(block):
    assert names(block.replace("<", ""), GOOD)[-1:] == ["Bay Dental"]
