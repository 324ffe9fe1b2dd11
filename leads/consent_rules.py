"""Say whether a business may be written to without having agreed to it. Pure.

The law protects people: it asks who would get the mail, not what is in it. What is not
known of a lead counts against writing only in countries whose rule depends on it.

`campaigns` asks `may_write_to` where it freezes an audience, and again before it sends;
what is refused is skipped with the reason. This room only knows the facts of the lead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from leads.legal_forms import LegalForm

if TYPE_CHECKING:
    from leads.models import Lead

#: Spellings of countries in lower case, without dots, that have a rule below.
_UNITED_KINGDOM = frozenset(
    {"gb", "uk", "united kingdom", "great britain", "england", "scotland", "wales"}
    | {"northern ireland"}
)
#: Countries that want consent from companies, too (section 7 UWG; section 174 TKG 2021).
_CONSENT_FROM_ALL = frozenset(
    {"de", "germany", "deutschland"} | {"at", "austria", "österreich"}
)
#: Names of English partnerships, whose mail is the partners' own.
_PARTNERSHIP = ("& sons", "and sons", "& daughters", "& partners", "and partners")


class Permission(NamedTuple):
    """Whether a mail may be sent without consent, and the sentence that says why."""

    is_given: bool
    reason: str


def may_write_to(
    *, country: str, legal_form: LegalForm, legal_basis: str, name: str = ""
) -> Permission:
    """Decide for a business by its country, its legal form and the basis that is noted.

    A noted consent or contract always permits. `name` only adds what the legal form does
    not tell: English partnerships. A country without a rule here is permitted, as the
    United States are, where a truthful mail with an address and a way out is enough
    (CAN-SPAM); suppression holds everywhere and is not asked here.
    """
    if legal_basis in ("consent", "contract"):
        return Permission(True, f"The lead notes {legal_basis} as its legal basis.")
    place = " ".join(country.replace(".", "").lower().split())
    if place in _CONSENT_FROM_ALL:
        return Permission(
            False,
            f"{country} wants consent before advertising mail, from companies too.",
        )
    if place not in _UNITED_KINGDOM:
        return Permission(True, "Its country permits mail with a way to end it.")
    # PECR, regulation 22: sole traders and some partnerships are individual subscribers.
    if legal_form == LegalForm.COMPANY:
        return Permission(True, "A British company may be written to without consent.")
    is_partnership = any(form in name.lower() for form in _PARTNERSHIP)
    if legal_form == LegalForm.UNKNOWN and not is_partnership:
        return Permission(
            False,
            "Whether this British business is a company is not known, and people have to"
            " agree first: note its legal form, or its consent.",
        )
    return Permission(
        False, "British sole traders and partnerships have to agree first (PECR)."
    )


def lead_permission(lead: Lead) -> Permission:
    """Decide for a lead as it stands."""
    return may_write_to(
        country=lead.country,
        legal_form=lead.legal_form_shown,
        legal_basis=lead.legal_basis,
        name=lead.name,
    )
