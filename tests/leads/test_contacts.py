"""Addresses and numbers on pages, however they are hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.contacts import (
    decode_cfemail,
    emails_in_text,
    find_emails,
    find_phones,
    to_e164,
    without_contacts,
)
from leads.pages import parse_html


@pytest.mark.parametrize(
    ("code", "address"),
    [
        ("254f4a4d4b65405d44485549400b464a48", "john@example.com"),
        ("6f06010900410b0a011b002f08020e0603410c0002", "info.dento@gmail.com"),
        ("98d1fcf7f4f5d8ebecfdea", "Idolm@ster"),
        (
            "9df5f8f1f1f2ddfeeff8fce9f4ebf8b0e9f4f0b3fef2f0",
            "hello@creative-tim.com",
        ),
        ("", None),
        ("zz", None),
        ("25", None),
    ],
)
def test_cloudflares_hiding_is_undone(code, address):
    assert decode_cfemail(code) == address


def hide(address: str, key: int = 0x42) -> str:
    return bytes([key, *(byte ^ key for byte in address.encode())]).hex()


SHOP = "rosa@rosas-bakery.example"


@pytest.mark.parametrize(
    "body",
    [
        f'<a href="mailto:{SHOP}?subject=Hi">write</a>',
        '<a href="MAILTO:rosa%40rosas-bakery.example">write</a>',
        '<a href="&#109;ailto:rosa&#64;rosas-bakery.example">write</a>',
        f"<p>Write to {SHOP}.</p>",
        "<p>rosa&#64;rosas-bakery.example</p>",
        "<p>rosa (at) rosas-bakery (dot) example</p>",
        "<p>rosa [at] rosas-bakery.example</p>",
        f'<a class="__cf_email__" data-cfemail="{hide(SHOP)}">[email protected]</a>',
        f'<a href="/cdn-cgi/l/email-protection#{hide(SHOP)}">mail</a>',
        "<p>ROSA@Rosas-Bakery.Example</p>",
    ],
)
def test_an_address_is_found_however_it_is_written(body):
    assert find_emails(parse_html(f"<body>{body}")) == [SHOP]


@pytest.mark.parametrize(
    "text",
    [
        "logo@2x.png",
        "you@example.com",
        "name@domain.com",
        "0123456789abcdef0123456789abcdef@o1.ingest.sentry.io",
        "hero@3x.webp",
        "a@b",
        "jquery@3.7.1",
    ],
)
def test_what_only_looks_like_an_address_is_left_out(text):
    assert emails_in_text(f"see {text} here") == []


def test_scripts_are_no_text_of_the_page():
    page = parse_html(f"<body><script>var a='{SHOP}'</script><style>{SHOP}</style>")
    assert find_emails(page) == []


def test_the_own_domain_and_role_mailboxes_come_first():
    page = parse_html(
        "<body>web@agency.example joe@rosas-bakery.example info@rosas-bakery.example"
    )
    assert find_emails(page, site_host="www.rosas-bakery.example") == [
        "info@rosas-bakery.example",
        "joe@rosas-bakery.example",
        "web@agency.example",
    ]


@pytest.mark.parametrize(
    ("number", "region", "e164"),
    [
        ("(707) 555-0123", "US", "+17075550123"),
        ("707.555.0123", "us", "+17075550123"),
        ("+44 20 7946 0958", "US", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("911", "US", None),
        ("call me", "US", None),
        ("", "US", None),
    ],
)
def test_numbers_are_kept_in_e164(number, region, e164):
    assert to_e164(number, region=region) == e164


def test_linked_numbers_come_before_written_ones():
    page = parse_html(
        '<body>Fax (707) 555-0199 <a href="tel:+1%20707%20555%200123">call</a>'
    )
    assert find_phones(page) == ["+17075550123", "+17075550199"]


def test_contacts_are_blacked_out_of_other_peoples_text():
    text = "Call 415-555-0123 or mail joe@pipes.example now, $1,500 for 2026"
    assert without_contacts(text) == "Call […] or mail […] now, $1,500 for 2026"


@given(st.text())
def test_any_page_has_a_list_of_addresses_and_numbers(text):
    page = parse_html(text)
    assert isinstance(find_emails(page), list)
    assert isinstance(find_phones(page), list)


@given(st.text())
def test_any_text_can_be_blacked_out(text):
    assert isinstance(without_contacts(text), str)


@given(st.text())
def test_any_text_is_a_number_or_none(text):
    found = to_e164(text)
    assert found is None or found.startswith("+")
