"""Who stands behind a name: a company, or somebody with data of their own."""

from __future__ import annotations

import pytest

from leads.legal_forms import LegalForm, legal_form_of


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Müller Bau GmbH & Co. KG", LegalForm.COMPANY),
        ("Rosa's Bakery, L.L.C.", LegalForm.COMPANY),
        ("Boulangerie Dupont S.A.R.L.", LegalForm.COMPANY),
        ("Turnverein Ulm e.V.", LegalForm.COMPANY),
        ("Smith & Sons Ltd", LegalForm.COMPANY),
        ("Hans Meier e.K.", LegalForm.SOLE_TRADER),
        ("Bäckerei Roth, Inh. Anna Roth", LegalForm.SOLE_TRADER),
        ("Anna Schmidt Bakery", LegalForm.UNKNOWN),
        ("Incline Fitness", LegalForm.UNKNOWN),
        ("", LegalForm.UNKNOWN),
    ],
)
def test_the_legal_form_stands_in_the_name(name, form):
    assert legal_form_of(name) == form
