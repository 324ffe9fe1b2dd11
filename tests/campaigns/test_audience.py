"""Who is written to: addresses, countries, consent."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.audience import checked_address, usable_address
from campaigns.consent_rules import consent_missing
from campaigns.places import country_of
from campaigns.states import ConsentRule
from leads.legal_forms import LegalForm
from leads.suppression import is_plain, normalise_address

_LABEL = st.text("abcz019-", min_size=1, max_size=12)
_LOCAL = st.text("abcz019._-+'@ É", min_size=1, max_size=12)


@given(
    st.builds("{}@{}.{}".format, _LOCAL, _LABEL, _LABEL)
    | st.builds("{}@{}.{}.{}".format, _LOCAL, _LABEL, _LABEL, _LABEL)
    | st.text("ab1.-@x", max_size=20)
)
@example("a@xn--bcher-kva.de")
@example("a@b.test")
@example("a@local")
@example("a@b.arpa")
@example("a@a-.de")
@example("a@1.de")
@example("1@b.c1")
@example(f"a@{'b' * 64}.de")
def test_a_plain_address_is_one_that_the_full_check_takes_as_it_is(address):
    if is_plain(address):
        assert normalise_address(address.upper()) == address
    if usable_address(address) == address:
        assert checked_address(address) == address


@pytest.mark.parametrize(
    "address", ["owner@bakery.com", "a.b-c_d@sub.bakery-bonn.co.uk", "1@2go.example"]
)
def test_the_usual_address_is_plain(address):
    assert is_plain(address)


@pytest.mark.parametrize(
    ("country", "phone", "website", "code"),
    [
        ("DE", "", "", "DE"),
        ("de", "", "", "DE"),
        ("Deutschland", "+14155550123", "", "DE"),
        ("uk", "", "", "GB"),
        ("United Kingdom", "", "", "GB"),
        ("", "+14155550123", "https://x.de/", "US"),
        ("", "+442079460958", "", "GB"),
        ("", "nonsense", "https://www.bakery.co.uk:8080/about", "GB"),
        ("", "", "https://bakery.com/", ""),
        ("Atlantis", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_a_country_is_told_by_what_is_known(country, phone, website, code):
    assert country_of(country, phone=phone, website=website) == code


@given(st.from_regex(r"\+1[0-9]{9,11}", fullmatch=True))
def test_a_north_american_number_lies_where_the_whole_of_it_is_said_to_lie(phone):
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        number = None
    told = phonenumbers.region_code_for_number(number) if number else None
    assert country_of("", phone=phone) == (told or "")


@pytest.mark.parametrize(
    ("rule", "country", "form", "basis", "is_missing"),
    [
        ("where_asked", "GB", "company", "", False),
        ("where_asked", "GB", "sole_trader", "", True),
        ("where_asked", "GB", "unknown", "", True),
        ("where_asked", "GB", "sole_trader", "legitimate_interest", True),
        ("where_asked", "GB", "sole_trader", "consent", False),
        ("where_asked", "GB", "sole_trader", "contract", False),
        ("where_asked", "DE", "company", "", True),
        ("where_asked", "US", "sole_trader", "", False),
        ("where_asked", "", "unknown", "", False),
        ("always", "US", "company", "", True),
        ("always", "US", "company", "consent", False),
        ("never", "DE", "sole_trader", "", False),
    ],
)
def test_whose_consent_is_missing(rule, country, form, basis, is_missing):
    sentence = consent_missing(
        ConsentRule(rule),
        country=country,
        legal_form=lambda: LegalForm(form),
        legal_basis=basis,
    )

    assert bool(sentence) == is_missing
