"""What a business's own site says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.contact_links import contact_links
from leads.pages import parse_html
from leads.sources.website import name_in_title, read_site_page

URL = "https://www.pier-nine-auto.example/"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Pier Nine Auto Repair - Home", "Pier Nine Auto Repair"),
        ("Home | Pier Nine Auto", "Pier Nine Auto"),
        ("Welcome to Pier Nine Auto!", "Pier Nine Auto"),
        ("Best brakes in town", ""),
        ("", ""),
    ],
)
def test_the_host_confirms_which_part_of_a_title_is_the_name(title, name):
    assert name_in_title(title, "www.pier-nine-auto.example") == name


def test_contact_pages_of_the_same_site_come_in_order_of_promise():
    page = parse_html(
        """<body><a href="/about.html">About</a><a href="contact">Write</a>
        <a href="https://other.example/contact">x</a><a href="/prices">Prices</a>
        <a href="mailto:a@b.example">contact</a><a href="#contact">contact</a>
        <a href="/legal">Impressum</a><a href="http://[bad/contact">x</a>"""
    )
    assert contact_links(page, url=URL) == [
        f"{URL}contact",
        f"{URL}legal",
        f"{URL}about.html",
    ]


def test_an_address_that_is_only_written_is_read():
    page = read_site_page(
        "<body>Visit us: 640 Mill Street, Alder Point, CA 94995, (707) 555-0106",
        url=URL,
    )
    assert page.values == {
        "name": "",
        "description": "",
        "street": "640 Mill Street",
        "city": "Alder Point",
        "region": "CA",
        "postal_code": "94995",
    }
    assert page.phones == ["+17075550106"]


def test_what_structured_data_states_comes_before_what_is_found():
    page = read_site_page(
        """<script type="application/ld+json">{"@type": "AutoRepair", "name": "Pier Nine",
        "telephone": "(707) 555-0111", "email": "mailto:shop@pier.example"}</script>
        <body>Fax (707) 555-0199, web@agency.example""",
        url=URL,
    )
    assert page.values["name"] == "Pier Nine"
    assert page.phones == ["+17075550111", "+17075550199"]
    assert page.emails[0] == "shop@pier.example"


@given(st.text(), st.sampled_from([URL, "http://x", "https://a.b.c:99/d?e"]))
def test_any_text_is_a_page_of_a_site(text, url):
    page = read_site_page(text, url=url)
    assert isinstance(page.emails, list)


@given(st.binary())
def test_any_bytes_are_a_page_of_a_site(body):
    read_site_page(body.decode("latin-1"), url=URL)
