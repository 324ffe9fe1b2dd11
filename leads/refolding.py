"""Give leads' rows the values of their most credible facts, one lead or many at once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from leads.folding import Fact, fold
from leads.models import Lead, LeadFact
from leads.models.lead import LEAD_FIELDS


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


def refold_all(lead_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Do the same for many leads in two statements; gives what each was given.

    The caller holds their locks.
    """
    said = ~Q(value="") | Q(source="person")
    facts: dict[int, list[Fact]] = defaultdict(list)
    rows = LeadFact.objects.filter(said, lead_id__in=lead_ids).order_by("pk")
    for lead_id, field, value, source, at in rows.values_list(
        "lead_id", "field", "value", "source", "fetched_at"
    ):
        facts[lead_id].append(Fact(field, value, source, at))
    values: dict[int, dict[str, Any]] = {lead_id: {} for lead_id in lead_ids}
    values |= {lead_id: fold(told) for lead_id, told in facts.items()}
    changed = [{"id": lead_id, **given} for lead_id, given in values.items()]
    with connection.cursor() as cursor:
        cursor.execute(_update(), [timezone.now(), json.dumps(changed)])
    return values


def _update() -> str:
    """Give the statement that sets what is told of each lead; the rest stays as it is."""
    columns = {name: Lead._meta.get_field(name) for name in LEAD_FIELDS}
    numbers = {
        name for name, each in columns.items() if isinstance(each, models.FloatField)
    }
    types = ", ".join(
        f'"{name}" {"float8" if name in numbers else "text"}' for name in columns
    )
    sets = ", ".join(
        f'"{name}" = CASE WHEN each.told ? \'{name}\' THEN row."{name}"'
        f' ELSE lead."{name}" END'
        for name in columns
    )
    return (  # The only names in it are those of our own columns.
        f"UPDATE leads_lead AS lead SET {sets}, updated_at = %s"  # noqa: S608
        " FROM jsonb_array_elements(%s::jsonb) AS each (told),"
        f" jsonb_to_record(each.told) AS row (id bigint, {types})"
        " WHERE lead.id = row.id"
    )
