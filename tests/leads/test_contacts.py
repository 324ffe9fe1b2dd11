"""Addresses and numbers on pages, however they are hidden."""

from __future__ import annotations

import base64
import codecs
from urllib.parse import quote

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


def rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


CODES = ",".join(str(ord(char)) for char in SHOP)
JOOMLA = """<script>var prefix = 'ma' + 'il' + 'to'; var addy7 = 'r&#111;sa' + '&#64;';
addy7 = addy7 + 'rosas-bakery' + '&#46;' + 'example';
document.getElementById('cloak7').innerHTML += '<a href="' + addy7 + '">'</script>"""


@pytest.mark.parametrize(
    "body",
    [
        "rosa<span>@</span>rosas-bakery.example",
        "<b>rosa</b><i>@</i><b>rosas-bakery</b>.example",
        'rosa<span style="display: none">null</span>@rosas-bakery.example',
        "rosa<!-- no -->@<!-- robots -->rosas-bakery.example",
        f"<b>Mail</b>{SHOP}<b>Phone</b>",
        f"<ul><li>{SHOP}</li><li>Phone</li></ul>",
        "rosa AT rosas-bakery.example",
        "rosa AT rosas-bakery DOT example",
        "rosa at rosas-bakery dot example",
        "rosa {at} rosas-bakery [dot] example",
        "rosa&lt;at&gt;rosas-bakery.example",
        "rosa -at- rosas-bakery -dot- example",
        "rosa_at_rosas-bakery.example",
        "rosa @ rosas-bakery.example",
        "rosa\uff20rosas-bakery.example",
        "ro\u00adsa@\u200brosas-bakery.example",
        f"<noscript>{SHOP}</noscript>",
        '<a href="mailto:%72osa%40rosas-bakery.example">x</a>',
        f'<a href="mailto:Rosa%20Diaz%20%3C{SHOP}%3E">x</a>',
        '<a href="mailto:?to=rosa%40rosas-bakery.example&subject=x">x</a>',
        f'<map><area href="mailto:{SHOP}"></map>',
        f'<form action="mailto:{SHOP}"></form>',
        f"<a onclick=\"location.href='mailto:{SHOP}'\">x</a>",
        f'<span itemprop="email" content="{SHOP}"></span>',
        f'<b style="unicode-bidi: bidi-override; direction: rtl">{SHOP[::-1]}</b>',
        f'<bdo dir="rtl">{SHOP[::-1]}</bdo>',
        '<a data-user="rosa" data-domain="rosas-bakery.example"></a>',
        '<a data-name="rosa" data-domain="rosas-bakery" data-tld="example"></a>',
        f'<a data-enc-email="{rot13(SHOP).replace("@", "[at]")}">x</a>',
        f"<a href=\"javascript:x('{rot13('mailto:' + SHOP)}')\">x</a>",
        f'<a data-email="{base64.b64encode(SHOP.encode()).decode()}">x</a>',
        f'<script>a.href = "mailto:" + atob("{base64.b64encode(SHOP.encode()).decode()}")</script>',
        f"<script>document.write(String.fromCharCode({CODES}))</script>",
        f'<script>document.write(unescape("{quote("<a href=mailto:" + SHOP + ">")}"))</script>',
        "<script>document.write('rosa' + '@' + 'rosas-bakery' + '.example')</script>",
        JOOMLA,
        # TYPO3 shifts characters by two.
        "<a href=\"javascript:linkTo_UnCryptMailto('ocknvq,tqucBtqucu/dcmgta0gzcorng');\">x</a>",
        '<a data-mailto-token="ocknvq,tqucBtqucu/dcmgta0gzcorng" data-mailto-vector="2">x</a>',
    ],
)
def test_an_address_that_is_hidden_is_found(body):
    assert find_emails(parse_html(f"<body>{body}")) == [SHOP]


@pytest.mark.parametrize(
    "body",
    [
        'rosa<img alt="@">rosas-bakery.example',
        'rosa<img alt="(at)" src="at.gif">rosas-bakery.example',
        "rosa&amp;#64;rosas-bakery.example",
        "rosa@rosas\u2011bakery.example",
        "rosa<span>NOSPAM</span>@rosas-bakery.example",
        '<a href="mailto:rosa@REMOVEME.rosas-bakery.example">x</a>',
        "<p>E-Mail: rosa at rosas-bakery.example",
        "<p>Email: rosa @rosas-bakery.example",
        f"<style>.r {{unicode-bidi:bidi-override; direction:rtl}}</style><b class=r>{SHOP[::-1]}</b>",
        f"<style>#m{{direction:rtl;unicode-bidi:bidi-override}}</style><p id=m>{SHOP[::-1]}",
        f'<b dir="rtl" style="unicode-bidi:bidi-override">{SHOP[::-1]}</b>',
        "<style>b.no { display: none }</style>rosa<b class=no>xx</b>@rosas-bakery.example",
        f'<style>.e:before {{ content: "{SHOP}" }}</style><span class=e></span>',
        '<script>var u="rosa",d="rosas-bakery.example";document.write(u+"@"+d);</script>',
        ("<script>var u = 'rosa'; var d = 'rosas-bakery.example'; document.write("
        "\"<a href='mailto:\" + u + \"@\" + d + \"'>x</a>\");</script>"),
        ('<script>const u="rosa"; const d="rosas-bakery.example";'
        " a.href = `mailto:${u}@${d}`;</script>"),
        '<script>document.write(["rosa","rosas-bakery.example"].join("@"))</script>',
        f'<script>document.write("{SHOP[::-1]}".split("").reverse().join(""))</script>',
        '<script>document.write(decodeURIComponent("rosa%40rosas-bakery.example"))</script>',
        r'<script>document.write("rosa\x40rosas-bakery.example")</script>',
        "<script>document.write('rosa&#64;rosas-bakery.example')</script>",
        f"<a onmouseover=\"this.href='mailto:{SHOP}'\">x</a>",
        "<a onclick=\"this.href='mailto:'+'rosa'+'@'+'rosas-bakery.example'\">x</a>",
        r"""<a href="javascript:location='mailto:\u0072osa@rosas-bakery.example'">x</a>""",
        '<a data-email-user="rosa" data-email-domain="rosas-bakery.example">x</a>',
        '<a data-username="rosa" data-domain="rosas-bakery.example">x</a>',
        '<i data-part1="rosa" data-part2="rosas-bakery" data-part3="example"></i>',
        '<i class="mail" data-first="rosa" data-second="rosas-bakery" data-last="example"></i>',
        f'<a data-href="mailto:{SHOP}">x</a>',
        f'<button data-clipboard-text="{SHOP}">copy</button>',
        f'<a data-email="{SHOP[::-1]}">x</a>',
        f'<a data-b64="{base64.b64encode(SHOP.encode()).decode()}">x</a>',
        f'<img alt="{SHOP}" src="mail.png">',
        f'<a title="{SHOP}" href="/contact">x</a>',
        f'<input readonly value="{SHOP}">',
        f"<svg><text>{SHOP}</text></svg>",
        f'<iframe srcdoc="<p>{SHOP}</p>"></iframe>',
        rf'<i data-props="{{\u003e{SHOP}\u003c}}"></i>',
    ],
)  # fmt: skip
def test_an_address_that_regular_expressions_miss_is_found(body):
    assert find_emails(parse_html(f"<body>{body}")) == [SHOP]


@pytest.mark.parametrize(
    "body",
    [
        '<img src="logo@2x.png" alt="logo@2x.png">',
        "react@18.2.0 and vue@3.4.21/dist/vue.global.js",
        '<script src="https://unpkg.com/alpinejs@3.x.x/dist/cdn.min.js"></script>',
        (
            '<script>Sentry.init({dsn: "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/4"});'
            'document.write("a" + "b")</script>'
        ),
        '<input placeholder="you@shop.example">',
        '<a href="https://medium.com/@rosa.diaz">x</a>',
        '<script>var x = "npm@6.1.4", y = "rosa@shop.example"; document.write("a" + "b")</script>',
        "git@github.com",
        "We are open at noon dot com",
        "20% off @ shop.example",
        "Look at this dot here",
        "Arrive at rosas-bakery.example",
        "Follow us @rosas.bakery",
        '<i data-name="Widget" data-host="https://cdn.shop.example/x"></i>',
        '<i data-first="Rosa" data-second="bakery.example"></i>',
        '<i data-email-hint="rosa.diaz-at-home.sample"></i>',
    ],
)
def test_what_only_looks_like_an_address_is_none(body):
    assert find_emails(parse_html(f"<body>{body}")) == []


def test_an_address_in_the_head_is_found():
    page = parse_html(f'<head><meta property="og:email" content="{SHOP}"></head>')
    assert find_emails(page) == [SHOP]


def test_all_recipients_of_a_link_are_found():
    page = parse_html(
        '<body><a href="mailto:b@x.example,c@x.example?cc=d%40x.example">x'
    )
    assert find_emails(page) == ["b@x.example", "c@x.example", "d@x.example"]


def test_a_domain_in_other_letters_is_given_as_mail_servers_know_it():
    page = parse_html("<body>info@bäckerei.example")
    assert find_emails(page) == ["info@xn--bckerei-5wa.example"]


@pytest.mark.parametrize(
    "body",
    [
        '<img src="logo@2x.png" alt="logo@2x.png">',
        '<script src="/npm/jquery@3.7.1/jquery.min.js"></script>',
        "<p>react@18.2.0, vue@3.next and bootstrap@5.3.0-alpha.dist</p>",
        "<p>https://user@shop.example/path</p>",
        f"<script>var owner = '{SHOP}'</script>",
        f"<script>document.write('hello'); var owner = '{SHOP}'</script>",
        f"<template>{SHOP}</template>",
        f'<p hidden>{SHOP}</p><p style="display:none">{SHOP}</p>',
        "<p>Find us @ shop.example or MEET US AT shop.example</p>",
        "<p>we look at shop.example daily, open at 9 dot com</p>",
        "<p>3 for 5@10.each</p>",
        '<a href="https://blog.example/@joe.doe">x</a>',
        '<input placeholder="you@company.com" value="your.name@mail.example">',
        '<a data-cfemail="zz">x</a><a data-mailto-token="?">x</a><a data-email="bm90IG9uZQ==">x</a>',
    ],
)
def test_nothing_on_a_page_is_taken_for_an_address_that_is_none(body):
    assert find_emails(parse_html(f"<body>{body}")) == []


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
        "12345678-1234-1234-1234-123456789abc@x.example",
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


@pytest.mark.parametrize(
    "href",
    ["tel:+1-707-555-0123;ext=5", "tel://7075550123", "callto:(707)5550123",
     "TEL:707.555.0123", "https://wa.me/17075550123?text=hi"],
)  # fmt: skip
def test_a_number_is_read_from_every_kind_of_link(href):
    assert find_phones(parse_html(f'<body><a href="{href}">x</a>')) == ["+17075550123"]


def test_a_number_that_markup_takes_apart_is_one():
    page = parse_html("<body><b>(707)</b> 555<i>-0123</i><p>12345-678</p>")
    assert find_phones(page) == ["+17075550123"]


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
