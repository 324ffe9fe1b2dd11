"""Addresses that are never written to again: a permanent list of hashes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import idna
from django.db.models.expressions import RawSQL

from fliptech_site.errors import InvalidInput
from leads.models import Suppression

#: Keeps our hashes apart from other people's plain SHA-256 lists of addresses.
_DOMAIN_SEPARATION = "fliptech suppression 1:"


#: The plainest addresses: letters, digits and single dots and hyphens, in lower case.
_PLAIN = re.compile(
    r"[a-z0-9]+(?:[._-][a-z0-9]+)*@(?:[a-z0-9]{1,31}(?:-[a-z0-9]{1,20})?\.)+[a-z]{2,20}"
)


def is_plain(address: str) -> bool:
    """Say whether an address is in its one spelling beyond doubt; most are.

    That takes a tenth of the time of bringing it there.
    """
    return len(address) <= 64 and _PLAIN.fullmatch(address) is not None


def normalise_address(address: str) -> str:
    """Give the one spelling of an e-mail address under which it is compared.

    Lower case, the domain in its ASCII form (IDNA 2008). A tag after a plus sign
    stays: it may be another person's mailbox. Raises InvalidInput.
    """
    if is_plain(address):
        return address
    local, _, domain = address.strip().lower().rpartition("@")
    if not local or not domain or any(char.isspace() for char in local):
        raise InvalidInput(
            f"{address!r} is not an e-mail address: write it as name@example.com."
        )
    try:
        ascii_domain = idna.encode(domain.rstrip("."), uts46=True).decode("ascii")
    except idna.IDNAError:
        raise InvalidInput(
            f"{address!r} has no valid domain after the @: correct the part {domain!r}."
        ) from None
    return f"{local}@{ascii_domain}"


def address_hash(address: str) -> str:
    """Give the hash under which an address is suppressed, 64 hex characters.

    Not keyed on purpose: a lost or changed key would let mail flow again to
    everybody who asked for none. Raises InvalidInput for what is no address.
    """
    text = _DOMAIN_SEPARATION + normalise_address(address)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def is_suppressed(address: str) -> bool:
    """Say whether an address must not be written to."""
    return Suppression.objects.filter(address_hash=address_hash(address)).exists()


def suppressed_addresses(addresses: list[str]) -> set[str]:
    """Pick those of many addresses that must not be written to, in one query."""
    by_hash: dict[str, list[str]] = {}
    for address in addresses:
        by_hash.setdefault(address_hash(address), []).append(address)
    # One array: a parameter for each of a thousand hashes takes longer than the query.
    hashes = RawSQL("SELECT unnest(%s::text[])", [list(by_hash)])
    found = Suppression.objects.filter(address_hash__in=hashes).values_list(
        "address_hash", flat=True
    )
    return {address for found_hash in found for address in by_hash[found_hash]}


def suppress(address: str, *, reason: str) -> None:
    """Never write to this address again; doing it twice keeps the first reason."""
    Suppression.objects.get_or_create(
        address_hash=address_hash(address), defaults={"reason": reason[:200]}
    )


def forget_address(address: str) -> None:
    """Never write to this address again, nor keep it when a source brings it."""
    Suppression.objects.update_or_create(
        address_hash=address_hash(address),
        defaults={"is_erased": True},
        create_defaults={"is_erased": True, "reason": "erased at the person's request"},
    )


def erased_addresses(addresses: Iterable[str]) -> set[str]:
    """Pick those of many texts that are addresses of erased people, in one query."""
    by_hash: dict[str, str] = {}
    for address in addresses:
        try:
            by_hash[address_hash(address)] = address
        except InvalidInput:
            continue
    if not by_hash:
        return set()
    found = Suppression.objects.filter(address_hash__in=by_hash, is_erased=True)
    return {by_hash[each] for each in found.values_list("address_hash", flat=True)}
