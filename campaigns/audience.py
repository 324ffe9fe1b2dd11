"""Decide who is written to. Pure: values in, a reason out."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from campaigns.states import SkipReason
from fliptech_site.errors import InvalidInput
from leads.suppression import normalise_address


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


class Skip(NamedTuple):
    """A reason and the sentence about it."""

    reason: SkipReason
    detail: str


def usable_address(raw: str) -> str:
    """Give the normalised form of an address that can be written to, else blank."""
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
