"""Addresses that are never written to again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.errors import InvalidInput
from leads.models import Suppression
from leads.suppression import (
    address_hash,
    is_suppressed,
    normalise_address,
    suppress,
    suppressed_addresses,
)


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        (" Rosa@Shop.Example ", "rosa@shop.example"),
        ("rosa@Bücher.example", "rosa@xn--bcher-kva.example"),
        ("rosa+news@shop.example", "rosa+news@shop.example"),
        ("rosa@shop.example.", "rosa@shop.example"),
    ],
)
def test_an_address_has_one_spelling(address, normal):
    assert normalise_address(address) == normal


@pytest.mark.parametrize(
    "address", ["", "rosa", "@shop.example", "rosa@", "r o@a.b", "a@-"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InvalidInput):
        normalise_address(address)


@given(st.text())
def test_any_text_is_an_address_or_refused_and_normal_form_is_stable(text):
    try:
        normal = normalise_address(text)
    except InvalidInput:
        return
    assert normalise_address(normal) == normal


@pytest.mark.django_db
def test_a_suppressed_address_stays_so_in_every_spelling_and_is_not_kept():
    suppress("Rosa@Shop.Example", reason="unsubscribed")
    suppress("rosa@shop.example", reason="bounced")
    assert is_suppressed("ROSA@shop.example")
    assert not is_suppressed("rosa+x@shop.example")
    row = Suppression.objects.get()
    assert row.reason == "unsubscribed"
    assert "rosa" not in str(row.__dict__)


@pytest.mark.django_db
def test_many_addresses_are_looked_up_in_one_query(django_assert_num_queries):
    suppress("a@x.example", reason="r")
    with django_assert_num_queries(1):
        found = suppressed_addresses(["A@x.example", "b@x.example"])
    assert found == {"A@x.example"}


def test_the_hash_does_not_change_between_versions():
    assert address_hash("rosa@shop.example").startswith("aa65f8255505e2f8")
