"""Which two records are one business, which are not, and whom a person is asked about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.linking.comparing import MATCH_BITS, REVIEW_BITS, compare, compare_likely
from leads.linking.profiles import make_profile, read_phones, same_phone
from leads.linking.weighing import Frequencies, count_frequencies

ROSA = {"name": "Rosa's Bakery", "phone": "(707) 555-0123", "street": "12 Main St.",
        "city": "Fairview", "region": "CA", "postal_code": "94501"}  # fmt: skip


def bits(one, other, known=None):
    found = compare(make_profile(one), make_profile(other), known or Frequencies())
    return found.bits


def verdict(one, other):
    found = bits(one, other)
    if found >= MATCH_BITS:
        return "match"
    return "review" if found >= REVIEW_BITS else "no"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "ROSAS BAKERY INC", "phone": "707/555-0123 ext. 4"},
        {"name": "Rosa Bakery", "street": "12 Main Street, Suite 4", "phone": ""},
        {"name": "Rossa's Bakery", "postal_code": "94501-2211", "phone": ""},
        {"name": "Bakery Rosa", "city": "Westside", "phone": "+1 707 555 0123"},
        {"name": "Rosa's", "phone": ""},
        {"phone": "707-555-9999"},
        {"phone": "510-555-0123"},
        {"street": "", "postal_code": ""},
        {"street": "99 Mill Rd", "postal_code": ""},  # It moved; the number went along.
        {"name": "Rosa's Bakery (Fairview)", "phone": ""},
    ],
)
def test_one_business_is_recognised(changes):
    assert verdict(ROSA, ROSA | changes) == "match"


@pytest.mark.parametrize(
    "changes",
    [
        # A branch: the same name, another place and telephone.
        {"street": "900 Oak Ave", "phone": "707-555-8888"},
        {"street": "900 Oak Ave", "phone": "", "city": "Ely", "postal_code": "89301"},
        # Another business in the same house.
        {"name": "Nguyen Dental", "phone": "707-555-8888"},
        {"name": "Nguyen Dental", "phone": ""},
        # One telephone, two businesses.
        {"name": "Nguyen Dental", "street": "900 Oak Ave"},
        # The same words in another region.
        {
            "region": "NY",
            "city": "Albany",
            "street": "",
            "phone": "",
            "postal_code": "",
        },
    ],
)
def test_others_are_left_alone(changes):
    assert verdict(ROSA, ROSA | changes) == "no"


def test_a_person_is_asked_about_two_businesses_with_one_number_and_one_house():
    assert verdict(ROSA, ROSA | {"name": "Golden Spoon"}) == "review"


def test_a_reason_is_given_for_everything_that_counted():
    other = ROSA | {"name": "Rosa Bakeri", "postal_code": "94502", "city": ""}
    found = compare(make_profile(ROSA), make_profile(other), Frequencies())
    assert found.reasons == ("same phone", "name 0.97", "same address")
    assert found.probability > 0.99


def test_what_many_share_tells_less():
    hotline = [
        {"name": "Taco Fiesta", "phone": "555-0100", "street": f"{n} Elm St"}
        for n in range(40)
    ]
    known = count_frequencies(make_profile(each) for each in hotline)
    assert bits(hotline[0], hotline[1], known) < REVIEW_BITS
    assert bits(hotline[0], hotline[0], known) > MATCH_BITS


def test_numbers_in_names_tell_schools_and_stores_apart():
    one = {"name": "Public School 12", "city": "Ely"}
    assert verdict(one, one | {"name": "Public School 13"}) == "no"


def test_the_name_behind_dba_counts():
    legal = ROSA | {"name": "RB Holdings LLC dba Rosa's Bakery", "phone": ""}
    assert verdict(ROSA, legal) == "match"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("(310) 246-1501 x12", ("3102461501",)),
        ("+49 (0)30 123456", ("4930123456",)),
        ("310/246-1501", ("3102461501",)),
        ("310-246-1501; 310-246-1502", ("3102461501", "3102461502")),
        ("3102461501.0", ("3102461501",)),
        ("12345", ()),
        ("none", ()),
    ],
)
def test_a_cell_of_telephone_numbers_is_read(text, digits):
    assert read_phones(text) == digits


def test_national_and_international_spellings_are_one_number():
    assert same_phone("4930123456", "30123456")
    assert not same_phone("4930123456", "30123457")


_values = st.dictionaries(st.sampled_from(sorted(ROSA)), st.text(max_size=30))


@given(_values, _values)
def test_comparing_is_the_same_both_ways_and_early_answers_agree(one, other):
    a, b, known = make_profile(one), make_profile(other), Frequencies()
    found = compare(a, b, known)
    assert found.bits == pytest.approx(compare(b, a, known).bits, abs=0.02)
    early = compare_likely(a, b, known, least_bits=REVIEW_BITS)
    assert (early is None) == (found.bits < REVIEW_BITS) or abs(
        found.bits - REVIEW_BITS
    ) < 0.02
