"""A mail is what its parts say, whatever stands in them."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from email.utils import parsedate_to_datetime

import lxml.html
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.messages import (
    Footer,
    Letter,
    build,
    finish_html,
    finish_text,
    one_line,
    text_of,
)
from fliptech_site.errors import InvalidInput

FOOTER = Footer("Ada", "1 Main Street", "https://x.example/m/u/1/")
LETTER = Letter(
    from_name="Ada of Brightside",
    from_address="ada@brightside.example",
    to_address="owner@bakery.example",
    subject="Hello",
    html="<p>Hello</p>",
    text="Hello",
    message_id="<1@brightside.example>",
    date=datetime(2026, 3, 1, 12, tzinfo=UTC),
    unsubscribe_url="https://x.example/m/u/1/",
    reply_to="office@brightside.example",
)
#: Any text, surrogates and control characters too.
anything = st.text(st.characters(exclude_categories=()), max_size=300)


def read(raw):
    return message_from_bytes(raw, policy=default)


def test_a_mail_has_both_parts_and_all_headers():
    message = read(build(LETTER))

    assert message["From"] == "Ada of Brightside <ada@brightside.example>"
    assert message["To"] == "owner@bakery.example"
    assert message["Subject"] == "Hello"
    assert message["Reply-To"] == "office@brightside.example"
    assert message["Message-ID"] == "<1@brightside.example>"
    assert parsedate_to_datetime(message["Date"]) == LETTER.date
    assert message["List-Unsubscribe"] == "<https://x.example/m/u/1/>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]


@given(subject=anything, name=anything)
def test_no_field_can_add_a_header(subject, name):
    raw = build(replace(LETTER, subject=subject, from_name=name))

    message = read(raw)
    assert set(message.keys()) == set(read(build(LETTER)).keys())
    assert len(message.keys()) == len(set(message.keys()))
    # A reader unfolds a long header where blanks meet; the words stay.
    assert str(message["Subject"]).split() == one_line(subject).split()
    assert message["From"].addresses[0].addr_spec == "ada@brightside.example"


@given(text=anything)
def test_a_header_text_is_one_line_without_controls(text):
    made = one_line(text)

    assert not {unicodedata.category(char) for char in made} & {"Cc", "Zl", "Zp", "Cs"}
    assert made == made.strip()


@given(text=anything, html=anything)
def test_any_text_becomes_short_7_bit_lines_that_read_the_same(text, html):
    raw = build(replace(LETTER, text=text, html=html))

    raw.decode("ascii")
    lines = raw.split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    body = read(raw).get_body(("plain",)).get_content()
    assert (
        body.split() == one_line(text).split()
        or "\ufffd" in body
        or not text.isprintable()
    )


@pytest.mark.parametrize(
    "address", ["a@b.example\r\nBcc: c@d.example", "a b@c.example", "", "a@b@c"]
)
def test_an_address_that_no_header_can_hold_is_refused(address):
    with pytest.raises(InvalidInput, match="can't stand in a mail's header"):
        build(replace(LETTER, to_address=address))


def test_web_links_are_counted_and_others_stay():
    html = (
        '<a href="https://shop.example/?a=1&amp;b=2">shop</a>'
        '<a href="mailto:a@b.example">mail</a><a href="tel:+1">call</a>'
        '<a href="https://x.example/m/u/1/">stop</a><a>nothing</a>'
    )

    made = finish_html(
        html, footer=FOOTER, link_of=lambda url: f"T({url})", pixel_url="https://p/"
    )

    links = lxml.html.fromstring(made).xpath("//a/@href")
    assert links == [
        "T(https://shop.example/?a=1&b=2)",
        "mailto:a@b.example",
        "tel:+1",
        "https://x.example/m/u/1/",
        "https://x.example/m/u/1/",
    ]
    assert lxml.html.fromstring(made).xpath("//img/@src") == ["https://p/"]


@example(html=" ")
@example(html="<!-- only a comment -->")
@example(html="<frameset></frameset>")
@given(html=anything)
def test_every_mail_says_who_sent_it_and_how_to_stop_it(html):
    made = finish_html(html, footer=FOOTER)
    text = finish_text(text_of(html), footer=FOOTER)

    assert "1 Main Street" in made
    assert 'href="https://x.example/m/u/1/"' in made
    assert "Ada, 1 Main Street" in text
    assert "https://x.example/m/u/1/" in text


def test_a_postal_address_that_names_the_sender_names_it_once():
    footer = Footer("Ada", "Ada, 1 Main Street", "")

    assert "Ada, Ada" not in finish_text("x", footer=footer)
    assert "Ada, Ada" not in finish_html("<p>x</p>", footer=footer)


def test_a_page_of_its_own_keeps_its_head():
    made = finish_html(
        "<html><head><style>p{color:red}</style></head><body><p>x</p></body></html>",
        footer=FOOTER,
    )

    assert made.startswith("<!doctype html>\n<html><head><style>p{color:red}</style>")


def test_the_text_part_keeps_where_links_lead():
    text = text_of('<h1>Hi</h1><p>See <a href="https://d.example/">your page</a>.</p>')

    assert "[your page](https://d.example/)" in text
    assert text.startswith("Hi")
