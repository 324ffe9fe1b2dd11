"""Spellings of one word of a name come out as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.linking.words import name_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Joe's Delicatessen", "JOES DELI"),
        ("Müller Bau GmbH & Co. KG", "Mueller Bau"),
        ("Muller Bau", "Müller Bau e.K."),
        ("The Four Seasons", "4 Seasons"),
        ("Café d\u2019Élan", "Cafe d'Elan"),
        ("Smith Brothers Plumbing, Inc.", "Smith Bros. Plmbg"),
        ("A.B.C. Heating L.L.C.", "ABC Htg"),
        ("St. Mary's Centre", "Saint Marys Ctr"),
        ("Nails + Spa", "Nails and Spa"),
        ("Bakeries of Ely", "Bakery Ely"),
        ("21st Century Dental", "21 Century Dental"),
    ],
)
def test_one_name_is_spelled_in_many_ways(one, other):
    assert name_words(one) == name_words(other)


@pytest.mark.parametrize("name", ["The Co.", "Limited", "The And", "LLC Inc"])
def test_a_name_of_empty_words_only_is_still_a_name(name):
    assert name_words(name)


def test_other_words_stay_other_words():
    assert name_words("Blue Bottle") != name_words("Blue Battle")
    assert name_words("Bass Pro") != name_words("Bas Pro")


@given(st.text())
def test_any_name_gives_words_without_blanks(name):
    assert all(word and " " not in word for word in name_words(name))
