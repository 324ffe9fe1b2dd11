"""Give a lead's row the values of its most credible facts."""

from __future__ import annotations

from django.db.models import Q

from leads.folding import Fact, fold
from leads.models import Lead


def refold(lead: Lead) -> None:
    """Give a lead's fields the values of their most credible facts.

    A field without facts keeps what it has: a person wrote it.
    """
    said = ~Q(value="") | Q(source="person")  # A person may empty a field.
    # In the order of their coming: it decides between two of the same moment.
    facts = lead.facts.filter(said).order_by("pk")
    rows = facts.values_list("field", "value", "source", "fetched_at")
    values = fold(Fact(*row) for row in rows)
    for field, value in values.items():
        setattr(lead, field, value)
    lead.save(update_fields=[*values, "updated_at"])
