"""Who may be written to without having agreed: by country, legal form and basis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.consent_rules import lead_permission, may_write_to
from leads.legal_forms import LegalForm
from leads.models import Lead

COMPANY, SOLE, UNKNOWN = LegalForm.COMPANY, LegalForm.SOLE_TRADER, LegalForm.UNKNOWN


@pytest.mark.parametrize(
    ("country", "form", "basis", "may"),
    [
        ("US", UNKNOWN, "", True),
        ("", UNKNOWN, "", True),
        ("UK", COMPANY, "", True),
        ("United Kingdom", COMPANY, "legitimate_interest", True),
        ("GB", SOLE, "", False),
        ("U.K.", SOLE, "legitimate_interest", False),
        ("England", UNKNOWN, "", False),
        ("UK", SOLE, "consent", True),
        ("UK", UNKNOWN, "contract", True),
        ("Germany", COMPANY, "", False),
        ("DE", COMPANY, "legitimate_interest", False),
        ("Deutschland", COMPANY, "consent", True),
        ("Österreich", UNKNOWN, "", False),
    ],
)
def test_consent_is_needed_where_the_law_says_so(country, form, basis, may):
    answer = may_write_to(country=country, legal_form=form, legal_basis=basis)
    assert answer.is_given is may
    assert answer.reason.endswith(".")


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("Smith & Sons", False),
        ("Smith & Sons Ltd", True),
        ("Rosa's Bakery", False),
        ("Rosa's Bakery Limited", True),
        ("Rosa Diaz, sole trader", False),
    ],
)
def test_a_british_name_tells_whether_its_mail_is_a_persons(name, may):
    assert lead_permission(Lead(name=name, country="UK")).is_given is may


def test_what_a_person_noted_comes_before_the_name():
    noted = Lead(name="Rosa's Bakery", country="UK", legal_form="company")
    assert lead_permission(noted).is_given
    partners = Lead(name="Smith & Sons", country="UK", legal_form="sole_trader")
    assert not lead_permission(partners).is_given


@given(st.text(), st.sampled_from(LegalForm), st.text(), st.text())
def test_any_lead_has_an_answer_with_a_reason(country, form, basis, name):
    answer = may_write_to(
        country=country, legal_form=form, legal_basis=basis, name=name
    )
    assert answer.reason.endswith(".")
