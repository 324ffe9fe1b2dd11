"""Decide who is written to: which leads a campaign considers, and which it skips."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from email_validator import (
    SPECIAL_USE_DOMAIN_NAMES,
    EmailNotValidError,
    validate_email,
)

from campaigns.consent_rules import consent_missing
from campaigns.places import country_of
from campaigns.states import ConsentRule, SkipReason
from fliptech_site.errors import InvalidInput
from leads.filtering import Leads, filter_leads
from leads.legal_forms import LegalForm, legal_form_of
from leads.suppression import is_plain, normalise_address

#: What an audience may be filtered by; the rest of what leads can be found by is either
#: the campaign's own business (stage, ids) or too costly for a whole territory.
FILTERS = (
    "category", "city", "region", "country", "legal_form", "min_score", "max_score",
    "source", "audit", "q",
)  # fmt: skip
#: Endings that no mail server has.
_SPECIAL = frozenset(SPECIAL_USE_DOMAIN_NAMES)


class Candidate(NamedTuple):
    """What is known of a lead when the audience is frozen."""

    score: int | None
    #: As the lead has it.
    raw_address: str
    #: As `usable_address` gives it; blank when that refused it.
    address: str
    is_suppressed: bool
    has_demo: bool
    #: The campaign that wrote to the address lately; blank for none.
    mailed_by: str
    #: Whose consent is missing, in one sentence; blank when the mail may go.
    consent_missing: str = ""


class Skip(NamedTuple):
    """A reason and the sentence about it."""

    reason: SkipReason
    detail: str


def select_leads(audience: Mapping[str, Any]) -> Leads:
    """Give the active leads that a campaign considers. Raises InvalidInput."""
    if not isinstance(audience, Mapping):
        raise InvalidInput("An audience is an object of filters, such as {}.")
    for name in audience:
        if name not in FILTERS:
            raise InvalidInput(
                f"{name!r} is no filter of an audience: use one of"
                f" {', '.join(FILTERS)}."
            )
    return filter_leads(audience)


def missing_consent_of(
    rule: ConsentRule,
    *,
    name: str,
    country: str,
    phone: str,
    website: str,
    legal_form: str,
    legal_basis: str,
) -> str:
    """Say whose consent is missing for a lead with these fields; blank for nobody's."""
    if rule == ConsentRule.NEVER:
        return ""
    return consent_missing(
        rule,
        country=country_of(country, phone=phone, website=website),
        # Asked for only where it matters: reading a name takes its time.
        legal_form=lambda: LegalForm(legal_form) if legal_form else legal_form_of(name),
        legal_basis=legal_basis,
    )


def usable_address(raw: str) -> str:
    """Give the normalised form of an address that can be written to, else blank."""
    if is_plain(raw) and raw.rpartition(".")[2] not in _SPECIAL:
        return raw
    return checked_address(raw)


def checked_address(raw: str) -> str:
    """Give the same by the full check alone, which takes thirty times as long."""
    try:
        address = normalise_address(raw)
        validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except (InvalidInput, EmailNotValidError):
        return ""
    return address


def reason_to_skip(
    candidate: Candidate, *, threshold: int, quiet_days: int, taken: Container[str]
) -> Skip | None:
    """Say why a lead gets no mail, or None when it gets one.

    `taken` holds the addresses that already have a mail in this campaign.
    """
    if candidate.score is None:
        return Skip(SkipReason.BELOW_THRESHOLD, "The lead has no score yet.")
    if candidate.score < threshold:
        return Skip(
            SkipReason.BELOW_THRESHOLD,
            f"The score {candidate.score} is below {threshold}.",
        )
    if not candidate.raw_address:
        return Skip(SkipReason.NO_ADDRESS, "No e-mail address is known.")
    if not candidate.address:
        return Skip(
            SkipReason.INVALID_ADDRESS,
            f"{candidate.raw_address!r} is not an address that can be written to.",
        )
    if candidate.is_suppressed:
        return Skip(SkipReason.SUPPRESSED, "This address asked not to be written to.")
    if candidate.consent_missing:
        return Skip(SkipReason.NO_CONSENT, candidate.consent_missing)
    if not candidate.has_demo:
        return Skip(SkipReason.NO_DEMO, "The lead has no published demo site.")
    if candidate.address in taken:
        return Skip(
            SkipReason.ALREADY_MAILED, "Another lead with this address gets the mail."
        )
    if candidate.mailed_by:
        return Skip(
            SkipReason.ALREADY_MAILED,
            f"The campaign {candidate.mailed_by!r} wrote to this address within"
            f" {quiet_days} days.",
        )
    return None
