"""Which leads a person means: the filters of admin, of exports and of commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from fliptech_site.errors import InvalidInput
from leads.models import Lead

Leads = QuerySet[Lead]

#: Stage -> what it is called in lists.
STAGES = {
    "qualified": "worth writing to",
    "unqualified": "below that",
    "unscored": "not scored yet",
    "without_address": "without an e-mail address",
    "merged": "merged into another",
}
#: The fields that a free search looks into.
SEARCHED = ("name", "website", "email", "phone", "city")
#: Findings of a visit of the website that are true or false (`leads.auditing`).
AUDIT_FACTS = (
    "is_reachable",
    "is_https",
    "has_viewport",
    "has_contact_form",
    "has_structured_data",
    "has_phone_link",
    "has_mixed_content",
    "is_parked",
    "is_shell",
)


def in_stage(leads: Leads, stage: str) -> Leads:
    """Keep the leads of one stage of `STAGES`. Raises InvalidInput for another."""
    active = leads.filter(merged_into__isnull=True)
    least = settings.QUALIFYING_SCORE
    stages: dict[str, Callable[[], Leads]] = {
        "qualified": lambda: active.filter(score__gte=least),
        "unqualified": lambda: active.filter(score__lt=least),
        "unscored": lambda: active.filter(score__isnull=True),
        "without_address": lambda: active.filter(email=""),
        "merged": lambda: leads.filter(merged_into__isnull=False),
    }
    if stage not in stages:
        raise InvalidInput(
            f"{stage!r} is no stage of a lead: use one of {', '.join(stages)}."
        )
    return stages[stage]()


def _number(text: Any) -> int:
    try:
        return int(text)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"{text!r} is no whole number: write one such as 50."
        ) from None


def _search(leads: Leads, text: Any) -> Leads:
    for word in str(text).split():
        matches = Q()
        for name in SEARCHED:
            matches |= Q(**{f"{name}__icontains": word})
        leads = leads.filter(matches)
    return leads


def _ids(leads: Leads, ids: Any) -> Leads:
    numbers = ids if isinstance(ids, list) else str(ids).split(",")
    return leads.filter(pk__in=[_number(each) for each in numbers])


def _one_of(name: str) -> Callable[[Leads, Any], Leads]:
    """Filter by a field's value, or by any of several in a list."""

    def keep(leads: Leads, value: Any) -> Leads:
        values = value if isinstance(value, list) else [value]
        return leads.filter(**{f"{name}__in": [str(each) for each in values]})

    return keep


def _audited(leads: Leads, facts: Any) -> Leads:
    """Keep leads by what the visit of their website found; `!` says that it did not."""
    for fact in facts if isinstance(facts, list) else [facts]:
        name = str(fact).removeprefix("!")
        if name not in AUDIT_FACTS:
            raise InvalidInput(
                f"{name!r} is no finding of a visit: use one of {', '.join(AUDIT_FACTS)}."
            )
        leads = leads.filter(**{f"audit__{name}": not str(fact).startswith("!")})
    return leads


#: Filter -> what it does to leads.
FILTERS: dict[str, Callable[[Leads, Any], Leads]] = {
    "stage": lambda leads, stage: in_stage(leads, str(stage)),
    "category": _one_of("category"),
    "city": _one_of("city"),
    "region": _one_of("region"),
    "country": _one_of("country"),
    "legal_form": _one_of("legal_form"),
    "min_score": lambda leads, text: leads.filter(score__gte=_number(text)),
    "max_score": lambda leads, text: leads.filter(score__lte=_number(text)),
    "audit": _audited,
    "source": lambda leads, text: leads.filter(
        pk__in=Lead.objects.filter(
            facts__source__in=text if isinstance(text, list) else [text]
        ).values("pk")
    ),
    "q": _search,
    "ids": _ids,
}


def filter_leads(filters: Mapping[str, Any]) -> Leads:
    """Give the leads that all filters let through; merged ones only when asked for.

    Raises InvalidInput for a filter that doesn't exist or a value it can't use.
    """
    leads: Leads = Lead.objects.all()
    if filters.get("stage") != "merged" and "ids" not in filters:
        leads = leads.filter(merged_into__isnull=True)
    for name, value in filters.items():
        if name not in FILTERS:
            raise InvalidInput(
                f"{name!r} is no filter: use one of {', '.join(FILTERS)}."
            )
        if value not in ("", None):
            try:
                leads = FILTERS[name](leads, value)
            except InvalidInput as error:
                raise InvalidInput(f"{name}: {error}") from None
    return leads


def parse_filters(texts: Sequence[str]) -> dict[str, str]:
    """Read `name=value` as people type it. Raises InvalidInput."""
    filters = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or name.strip() not in FILTERS:
            raise InvalidInput(
                f"{text!r} is no filter: write --filter name=value; names are"
                f" {', '.join(FILTERS)}."
            )
        filters[name.strip()] = value.strip()
    return filters
