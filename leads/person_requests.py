"""Requests of people about their own data: what is known, and erase it.

Each room that holds data of people is named in the setting PERSONAL_DATA and has a
module with `export_person` and `erase_person`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from leads.persons import Person, leads_with
from leads.suppression import address_hash, forget_address, normalise_address


def export_all(address: str) -> dict[str, Any]:
    """Give everything that is known of a person. Raises InvalidInput for no address."""
    person = _person(address)
    found: dict[str, Any] = {
        "address": person.address,
        "exported_at": timezone.now().isoformat(timespec="seconds"),
    }
    for module in _keepers():
        found |= module.export_person(person)
    return found


def erase_all(address: str) -> dict[str, int]:
    """Erase a person, for good; only a hash stays, so that nothing brings it back.

    Doing it twice erases nothing more. Raises InvalidInput for no address.
    """
    person = _person(address)
    counts: dict[str, int] = {}
    with transaction.atomic():
        # First of all: what is waiting must not be sent while the rest is erased.
        forget_address(person.address)
        for module in _keepers():
            counts |= module.erase_person(person)
    return counts


def _person(address: str) -> Person:
    normal = normalise_address(address)
    token = f"erased-{address_hash(normal)[:16]}@erased.invalid"
    return Person(normal, leads_with(normal), token)


def _keepers() -> list[Any]:
    return [import_module(name) for name in settings.PERSONAL_DATA]
