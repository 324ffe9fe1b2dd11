"""Who may only be written to with a recorded consent. Pure.

The European rule is Article 13 of Directive 2002/58/EC: an unsolicited mail to a natural
person needs prior consent; for companies each state decides. Where a sole trader counts
as a natural person, as under the British PECR (regulation 22), so does whoever can't be
told to be a company. This is a guard against carelessness, not legal advice.
"""

from __future__ import annotations

from collections.abc import Callable

from campaigns.states import ConsentRule
from leads.legal_forms import LegalForm

#: Companies need to consent as well: Germany (UWG § 7), Austria (TKG 2021 § 174), Spain
#: (LSSI Art. 21) and Denmark (Marketing Practices Act § 10) make no difference.
ASKED_OF_ALL = frozenset({"AT", "DE", "DK", "ES"})
#: The other states of the European Economic Area, the United Kingdom and Switzerland.
ASKED_OF_PERSONS = frozenset(
    {
        "BE", "BG", "CH", "CY", "CZ", "EE", "FI", "FR", "GB", "GR", "HR", "HU", "IE",
        "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE",
        "SI", "SK",
    }
)  # fmt: skip

#: Legal bases on which a mail may go without the law's own consent.
_ENOUGH = frozenset({"consent", "contract"})


def consent_missing(
    rule: ConsentRule,
    *,
    country: str,
    legal_form: Callable[[], LegalForm],
    legal_basis: str,
) -> str:
    """Say in one sentence whose consent is missing; blank when the mail may go.

    `country` is an ISO 3166 code, blank when it is not known.
    """
    if rule == ConsentRule.NEVER or legal_basis in _ENOUGH:
        return ""
    if rule == ConsentRule.ALWAYS:
        return "The campaign asks for everybody's consent, and none is on file."
    if country in ASKED_OF_ALL:
        return f"In {country} every business has to consent, and nothing is on file."
    if country not in ASKED_OF_PERSONS:
        return ""
    form = legal_form()
    if form == LegalForm.COMPANY:
        return ""
    who = (
        "a sole trader"
        if form == LegalForm.SOLE_TRADER
        else "whoever is not known to be a company"
    )
    return f"In {country} {who} has to consent first, and nothing is on file."
