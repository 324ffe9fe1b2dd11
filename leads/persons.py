"""What this room holds of a person: give it out, or erase it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from leads.exporting import exports_folder
from leads.legal_forms import LegalForm
from leads.models import (
    Lead,
    LeadBlock,
    LeadExport,
    LeadFact,
    LeadImport,
    LeadKey,
    LeadMatching,
    LeadMerge,
    LeadPair,
    Posting,
)
from leads.models.lead import LEAD_FIELDS

#: What stands in the place of an erased name.
ERASED = "(erased)"


@dataclass(frozen=True)
class Person:
    """Whom a request is about: an address, and the leads that bear it."""

    address: str
    lead_ids: tuple[int, ...]
    #: Stands for the address where a row must go on; it says nothing about it.
    token: str

    @property
    def personal_ids(self) -> tuple[int, ...]:
        """The leads that are themselves a person's; companies are not."""
        rows = Lead.objects.filter(pk__in=self.lead_ids)
        return tuple(
            lead.pk for lead in rows if lead.legal_form_shown != LegalForm.COMPANY
        )


def leads_with(address: str) -> tuple[int, ...]:
    """Find every lead that bears an address now or did by any source, merged ones too."""
    bearing = Lead.objects.filter(
        Q(email__iexact=address) | Q(facts__field="email", facts__value__iexact=address)
    )
    found = set(bearing.values_list("pk", flat=True))
    new = found
    while new:
        rows = Lead.objects.filter(Q(merged_into__in=new) | Q(absorbed__in=new))
        new = set(rows.values_list("pk", flat=True)) - found
        found |= new
    return tuple(sorted(found))


def export_person(person: Person) -> dict[str, Any]:
    """Give everything that is known of a person's leads, with its sources."""
    leads = Lead.objects.filter(pk__in=person.lead_ids).prefetch_related(
        "facts", "postings"
    )
    return {"leads": [_export(lead) for lead in leads]}


def _export(lead: Lead) -> dict[str, Any]:
    return {
        "id": lead.pk,
        **lead.as_facts(),
        "score": lead.score,
        "score_reasons": lead.score_reasons,
        "legal_form": str(lead.legal_form_shown),
        "legal_basis": lead.legal_basis,
        "legal_basis_note": lead.legal_basis_note,
        "first_seen_at": lead.first_seen_at.isoformat(),
        "sources": [
            {
                "field": fact.field,
                "value": fact.value,
                "source": fact.source,
                "page": fact.url,
                "at": fact.fetched_at.isoformat(),
            }
            for fact in lead.facts.all()
        ],
        "postings": [
            {"title": posting.title, "page": posting.url}
            for posting in lead.postings.all()
        ],
    }


def erase_person(person: Person) -> dict[str, int]:
    """Erase the address everywhere, and the whole of leads that are a person's."""
    of_address = LeadFact.objects.filter(field="email", value__iexact=person.address)
    addresses, _ = of_address.delete()
    Lead.objects.filter(email__iexact=person.address).update(email="")
    personal = person.personal_ids
    for model in (LeadFact, LeadKey, LeadBlock, LeadMatching):
        model.objects.filter(lead_id__in=personal).delete()
    LeadPair.objects.filter(
        Q(one_id__in=personal) | Q(other_id__in=personal), state=LeadPair.State.OPEN
    ).delete()
    Posting.objects.filter(lead_id__in=personal).update(title="", place="", reason="")
    _erase_merges(person, personal)
    blank: dict[str, Any] = {
        name: None if name in ("latitude", "longitude") else "" for name in LEAD_FIELDS
    }
    blank |= {"name": ERASED, "audit": {}, "score": None, "score_reasons": []}
    Lead.objects.filter(pk__in=personal).update(**blank)
    return {
        "addresses": addresses,
        "leads": len(personal),
        "files": _erase_files(person),
    }


def _erase_merges(person: Person, personal: tuple[int, ...]) -> None:
    """Take what would bring the data back out of the records of merges."""
    merges = LeadMerge.objects.filter(
        Q(lead_id__in=person.lead_ids) | Q(absorbed_id__in=person.lead_ids)
    )
    merges.update(moved={})
    merges.filter(Q(lead_id__in=personal) | Q(absorbed_id__in=personal)).update(
        name=ERASED, key_value="", url=""
    )


def _erase_files(person: Person) -> int:
    """Delete the exports, any of which may name the person; they can be made again."""
    exports = LeadExport.objects.exclude(stored_as="")
    names = set(exports.values_list("stored_as", flat=True))
    for name in names:
        (exports_folder() / name).unlink(missing_ok=True)
    exports.update(stored_as="")
    for kept in LeadImport.objects.exclude(problems=[]).iterator():
        left = [text for text in kept.problems if person.address not in text.lower()]
        if len(left) < len(kept.problems):
            LeadImport.objects.filter(pk=kept.pk).update(problems=left)
    return len(names)
