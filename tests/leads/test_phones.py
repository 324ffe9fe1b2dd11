"""Numbers that people answer come first, and a word may be a number."""

from __future__ import annotations

import pytest

from leads.contacts import find_phones
from leads.pages import parse_html


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Fax: (707) 555-0199, Tel: (707) 555-0123", ["+17075550123", "+17075550199"]),
        ("Telefax no. 707 555 0199<br>707 555 0123", ["+17075550123", "+17075550199"]),
        # One number for both is a telephone.
        ("Fax 707 555 0199, or call 707 555 0199", ["+17075550199"]),
    ],
)
def test_a_fax_stands_behind_what_people_answer(text, numbers):
    assert find_phones(parse_html(f"<body>{text}")) == numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Call 1-800-FLOWERS today", ["+18003569377"]),
        ("(888) 555-ROSE", ["+18885557673"]),
        ("1-800-PROGRESSIVE", ["+18007764737"]),
        ("over 800 FLOWERS a day, 800 flowers", []),
        ("Part 888-ABCDEFG-12X", []),
    ],
)
def test_a_toll_free_number_may_be_a_word(text, numbers):
    assert find_phones(parse_html(f"<body>{text}")) == numbers
