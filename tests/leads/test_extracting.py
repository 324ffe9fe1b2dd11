"""Leads in free text: each field with the characters that say it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.extracting.assembling import MOST_CHARACTERS, extract_leads
from leads.extracting.hours import find_hours
from leads.extracting.people import find_businesses, find_people
from leads.extracting.places import find_addresses
from leads.extracting.reach import find_emails, find_phones, find_urls
from tasks.declaring import find_actor

MAIL = """Hi there,

my name is Anna Schmidt and I own a small bakery called Rosa's Bakery in Fairview. Our site
rosas-bakery.com is ancient. You can reach me at anna (at) rosas-bakery (dot) com or call
(707) 555-0123, fax 707 555 0124. We are open Mon-Fri 7am-3pm, Sat 8-noon and closed Sundays.
Visit us: 12 Main St., Suite 4, Fairview, CA 94501

Thanks,
Anna Schmidt
Owner, Rosa's Bakery LLC
"""
TWO = """Golden Spoon Diner
9 Elm Avenue
Ely, NV 89301
775-555-0188

Old Mill Tavern
4 River Rd, Ely, NV
Tel: 775 555 0199
info@oldmill.example
Daily 11:00–23:00
"""
GERMAN = """Guten Tag, hier ist die Tischlerei Müller GmbH, Hauptstraße 12, 10115 Berlin,
Telefon 030 1234567, info@tischlerei-mueller.de. Mo-Fr 8-17 Uhr.
Mit freundlichen Grüßen
Jürgen Müller"""


def values(found):
    return [each.value for each in found]


def test_a_letter_is_one_lead_with_everything_that_it_says():
    (lead,) = extract_leads(MAIL)["leads"]
    assert lead["name"]["value"] == "Anna Schmidt"
    assert lead["business"]["value"] == "Rosa's Bakery"
    assert [each["value"] for each in lead["emails"]] == ["anna@rosas-bakery.com"]
    assert lead["emails"][0]["text"] == "anna (at) rosas-bakery (dot) com"
    assert [each["value"] for each in lead["phones"]] == ["+17075550123"]
    assert [each["value"] for each in lead["urls"]] == ["https://rosas-bakery.com"]
    assert lead["address"]["street"] == "12 Main St., Suite 4"
    assert (lead["address"]["city"], lead["address"]["postal_code"]) == (
        "Fairview",
        "94501",
    )
    assert [each["value"] for each in lead["opening_hours"]] == [
        "Mo-Fr 07:00-15:00",
        "Sa 08:00-12:00",
        "Su off",
    ]


def test_a_list_is_as_many_leads_as_it_names():
    one, other = extract_leads(TWO)["leads"]
    assert one["business"]["value"] == "Golden Spoon Diner"
    assert one["address"]["value"] == "9 Elm Avenue, Ely, NV 89301"
    assert [each["value"] for each in one["phones"]] == ["+17755550188"]
    assert other["business"]["value"] == "Old Mill Tavern"
    assert [each["value"] for each in other["emails"]] == ["info@oldmill.example"]


def test_german_is_read_too():
    (lead,) = extract_leads(GERMAN, region="DE")["leads"]
    assert lead["name"]["value"] == "Jürgen Müller"
    assert lead["business"]["value"] == "Tischlerei Müller GmbH"
    assert lead["phones"][0]["value"] == "+49301234567"
    assert lead["address"]["city"] == "Berlin"
    assert lead["opening_hours"][0]["value"] == "Mo-Fr 08:00-17:00"


@pytest.mark.parametrize("text", [MAIL, TWO, GERMAN])
def test_every_field_names_the_characters_that_it_came_from(text):
    for lead in extract_leads(text)["leads"]:
        for name, field in lead.items():
            for each in field if isinstance(field, list) else [field] if field else []:
                assert text[each["start"] : each["end"]] == each["text"]
                if name in ("name", "business"):
                    assert each["text"] == each["value"]


def test_what_is_no_lead_is_none():
    text = "Order 2026-11-25 costs $1,234.56, ref 1234567890. See photo@2x.png"
    assert extract_leads(text)["leads"] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to Rosa@Mill.Example.", ["rosa@mill.example"]),
        ("rosa [at] mill [dot] example", ["rosa@mill.example"]),
        ("rosa AT mill DOT com", ["rosa@mill.com"]),
        ("logo@2x.png and a@b", []),
        ("meet me at noon dot", []),
    ],
)
def test_addresses_are_found_as_people_write_them(text, found):
    assert values(find_emails(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call 510.555.0177!", ["+15105550177"]),
        ("+44 20 7946 0018", ["+442079460018"]),
        ("Fax: 707 555 0124", []),
        ("on 2026-11-25 at 10:30", []),
        ("price 1,250,000.00 USD", []),
        ("order no 4155550100999", []),
        ("Tel 555-0123 x", []),
    ],
)
def test_telephones_are_told_from_other_numbers(text, found):
    assert values(find_phones(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(see https://a.example/x_(y)).", ["https://a.example/x_(y)"]),
        ("www.mill.example, and more", ["https://www.mill.example"]),
        ("e.g. this or i.e. that", []),
        ("http://a.example/?utm_source=x", ["http://a.example/"]),
    ],
)
def test_websites_end_where_the_sentence_goes_on(text, found):
    assert values(find_urls(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mon - Fri: 9:00 AM to 5:00 PM", ["Mo-Fr 09:00-17:00"]),
        ("Mon-Fri 9-5", ["Mo-Fr 09:00-17:00"]),
        ("open daily 11am-midnight", ["Mo-Su 11:00-24:00"]),
        ("Montag bis Freitag 8-12 und 14-18 Uhr", ["Mo-Fr 08:00-12:00,14:00-18:00"]),
        ("Sonntag Ruhetag", ["Su off"]),
        ("Sat & Sun 1-5 pm", ["Sa,Su 13:00-17:00"]),
        ("we answer 24/7", ["Mo-Su 00:00-24:00"]),
        ("Sun City 5-7 rooms", []),
    ],
)
def test_opening_hours_are_written_in_one_way(text, found):
    assert values(find_hours(text)) == found


@pytest.mark.parametrize(
    ("text", "street", "city", "code"),
    [
        ("at 435 S. Harbor Blvd., Los Altos, CA 94022-1234.", "435 S. Harbor Blvd.", "Los Altos", "94022-1234"),
        ("12 East 42nd Street\nNew York, NY 10017", "12 East 42nd Street", "New York", "10017"),
        ("29 King's Road, London SW3 4RP", "29 King's Road", "London", "SW3 4RP"),
        ("Berliner Str. 7a, D-50667 Köln", "Berliner Str. 7a", "Köln", "50667"),
        ("meet at 9 Elm Avenue tomorrow", "9 Elm Avenue", "", ""),
    ],
)  # fmt: skip
def test_postal_addresses_are_taken_apart(text, street, city, code):
    (address,) = find_addresses(text)
    assert (address.street, address.city, address.postal_code) == (street, city, code)


@pytest.mark.parametrize("text", ["I have 3 ways to go", "in 2 places", "5 stars"])
def test_a_number_with_a_word_is_no_address(text):
    assert not find_addresses(text)


def test_a_person_is_no_business_and_a_business_no_person():
    text = "This is Maria from Lombardi & Sons Roofing. We are in Ely."
    assert values(find_people(text)) == ["Maria"]
    assert values(find_businesses(text)) == ["Lombardi & Sons Roofing"]


@given(st.text(max_size=400))
def test_any_text_is_read(text):
    for lead in extract_leads(text)["leads"]:
        for field in lead.values():
            for each in field if isinstance(field, list) else [field] if field else []:
                assert text[each["start"] : each["end"]] == each["text"]


@pytest.mark.parametrize(
    "text", ["a " * 40_000, "A." * 40_000, "1 " * 40_000, "Aa " * 30_000, "mo-" * 30_000,
             "a@" * 40_000, "\n" * 60_000, "12 A " * 20_000, "www." * 20_000]
)  # fmt: skip
def test_a_long_text_is_read_in_time_and_said_to_be_cut(text):
    began = time.process_time()
    found = extract_leads(text)
    assert found["characters_read"] == MOST_CHARACTERS
    assert time.process_time() - began < 10


def test_the_actor_hands_the_text_on():
    found = find_actor("extract_lead_info").fn(MAIL)
    assert found["leads"][0]["name"]["value"] == "Anna Schmidt"
