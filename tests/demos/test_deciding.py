from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.facts import Facts, clean, place_of, read_email, read_phone
from demos.palettes import (
    READABLE,
    contrast,
    darken_until_readable,
    lighten_until_readable,
    make_palette,
)
from demos.structured_data import days_of
from demos.trades import all_trades, choose_trade
from demos.visitors import classify, visitor_hash
from tests.demos.conftest import BROWSER

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.0),
        ("#123456", "#123456", 1.0),
    ],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert contrast(one, other) == contrast(other, one)


@settings(max_examples=60, deadline=None)
@given(colours)
def test_any_colour_is_darkened_until_it_can_be_read_on_white(colour):
    found = darken_until_readable(colour, "#ffffff")
    assert contrast(found, "#ffffff") >= READABLE


@settings(max_examples=60, deadline=None)
@given(colours)
def test_any_colour_is_lightened_until_it_can_be_read_on_black(colour):
    assert contrast(lighten_until_readable(colour, "#000000"), "#000000") >= READABLE


def test_a_readable_colour_stays_as_it_is():
    assert darken_until_readable("#1f3a5f", "#ffffff") == "#1f3a5f"


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(colours, st.text(max_size=9)),
    st.sampled_from([trade.hue for trade in all_trades().values()]),
    st.floats(0, 360),
    st.floats(0, 0.06),
)
def test_every_pair_of_text_and_ground_on_a_page_can_be_read(own, hue, accent, depth):
    p = make_palette(own, hue, accent_hue=accent, depth=depth)
    pairs = [
        *((text, ground) for text in (p.ink, p.muted, p.brand)
          for ground in (p.paper, p.tint, "#ffffff")),
        (p.on_brand, p.brand),
        (p.on_deep, p.deep),
        (p.deep_muted, p.deep),
        (p.accent, p.deep),
        (p.on_accent, p.accent),
        (p.paper, p.ink),
    ]  # fmt: skip
    for text, ground in pairs:
        assert contrast(text, ground) >= READABLE, (text, ground)


def test_the_business_own_colour_comes_before_the_trade_s():
    ours = make_palette("#7a1fa2", "#0b6e99", accent_hue=80)
    assert ours.brand == "#7a1fa2"
    for unusable in ("", "#fff", "red", "#808080", "#fdfdfd", "url(x)", "#12345g"):
        assert make_palette(unusable, "#1f3a5f", accent_hue=80).brand == "#1f3a5f"


@pytest.mark.parametrize(
    ("name", "category", "description", "key"),
    [
        ("Harbor Light Plumbing", "skilled trade services", "", "plumbing"),
        ("Green Lawn Pros", "services", "", "landscaping"),
        ("Lockwood Dental", "", "", "dental"),
        ("Marisol Vega", "creative services", "Portraits and events", "photography"),
        ("Okafor & Sons", "labor / hauling / moving", "", "moving"),
        ("Carla's", "", "The best conchas and birthday cakes", "bakery"),
        ("Xyz", "services", "We do many things, eventually.", "general"),
        ("", "", "", "general"),
        ("PLUMBERS UNITED", "", "", "plumbing"),
    ],
)
def test_the_words_of_a_business_point_at_its_trade(name, category, description, key):
    assert choose_trade(name, category, description).key == key


@given(st.text(), st.integers(1, 50))
def test_cleaned_text_is_one_short_line_without_invisible_characters(text, limit):
    line = clean(text, limit)
    assert len(line) <= limit
    assert line == line.strip()
    assert not any(letter in "\n\r\t\x00\u202e\u2066\ufeff" for letter in line)
    assert clean(line, limit) == line


def test_words_and_emoji_that_need_joiners_keep_them():
    text = "👩\u200d🔧 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert clean(text, 50) == text


@pytest.mark.parametrize(
    ("number", "link", "shown"),
    [
        ("+15105550142", "+15105550142", "(510) 555-0142"),
        ("+442071234567", "+442071234567", "+44 20 7123 4567"),
        ("call me", "", "call me"),
    ],
)
def test_phone_numbers_are_shown_as_people_write_them(number, link, shown):
    phone = read_phone(number)
    assert (phone.link, phone.shown) == (link, shown)
    assert read_phone("  ") is None


@pytest.mark.parametrize(
    "bad", ["", "x", "a@b", 'a"b@c.de', "a@b.de,c@d.de", "a b@c.d"]
)
def test_an_address_that_could_break_a_link_is_left_out(bad):
    assert read_email(bad) == ""
    assert read_email("hello@pier.example") == "hello@pier.example"


def test_a_place_is_what_is_known_of_it():
    assert place_of(Facts(name="x", city="Alameda", region="CA")) == "Alameda, CA"
    assert place_of(Facts(name="x", region="CA")) == "CA"
    assert place_of(Facts(name="x")) == ""


@pytest.mark.parametrize(
    ("days", "names"),
    [
        ("Mo", ["Monday"]),
        ("Sa-Mo", ["Saturday", "Sunday", "Monday"]),
        ("Mo,We-Th", ["Monday", "Wednesday", "Thursday"]),
    ],
)
def test_days_are_spelled_out(days, names):
    assert days_of(days) == names


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"User-Agent": BROWSER}, "person"),
        ({"User-Agent": BROWSER, "Sec-Purpose": "prefetch;prerender"}, "prefetch"),
        ({"User-Agent": BROWSER, "Purpose": "preview"}, "prefetch"),
        ({"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "bot"),
        ({"User-Agent": "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"}, "bot"),
        ({"User-Agent": "Mozilla/5.0 HeadlessChrome/140.0"}, "bot"),
        ({"User-Agent": "curl/8.5.0"}, "bot"),
        ({}, "bot"),
    ],
)
def test_programs_are_told_from_people_by_what_they_say(headers, kind):
    assert classify(headers) == kind


def test_a_visitor_is_the_same_only_under_the_same_salt():
    one = visitor_hash(b"a" * 16, "203.0.113.9", BROWSER)
    assert one == visitor_hash(b"a" * 16, "203.0.113.9", BROWSER)
    assert one != visitor_hash(b"b" * 16, "203.0.113.9", BROWSER)
    assert one != visitor_hash(b"a" * 16, "203.0.113.8", BROWSER)
    assert len(one) == 32
