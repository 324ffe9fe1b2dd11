"""Leads in admin: who they are, why they score, where each fact came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import F, QuerySet, TextField
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import TextFilter
from unfold.decorators import action, display
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextareaWidget

from fliptech_site.errors import FlipTechError
from leads.admin.showing import (
    audit_table,
    lead_link,
    outside_link,
    reason_list,
    score_bar,
)
from leads.admin.timeline import attribution, map_link, timeline
from leads.exporting import request_export
from leads.filtering import SEARCHED, STAGES, in_stage
from leads.merging import store_person_edit
from leads.models import Lead, LeadFact, LeadMerge
from tasks.admin.listing import CountedPages
from tasks.enqueueing import enqueue


class StageFilter(admin.SimpleListFilter):
    """Filter by what can be done with a lead; merged ones are hidden at first."""

    title = "stage"
    parameter_name = "stage"

    def lookups(
        self, request: HttpRequest, model_admin: object
    ) -> list[tuple[str, str]]:
        """Name the stages."""
        return [
            ("qualified", f"qualified ({settings.QUALIFYING_SCORE} or more)"),
            *((stage, name) for stage, name in STAGES.items() if stage != "qualified"),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Lead]
    ) -> QuerySet[Lead]:
        """Keep the leads of the chosen stage."""
        stage = self.value()
        if stage in STAGES:
            return in_stage(queryset, str(stage))
        return self._default(request, queryset)

    def _default(
        self, request: HttpRequest, queryset: QuerySet[Lead]
    ) -> QuerySet[Lead]:
        # A merged lead's own page is reached by its link and must be found.
        is_list = request.resolver_match and not request.resolver_match.kwargs
        return queryset.filter(merged_into__isnull=True) if is_list else queryset


class FactInline(TabularInline):
    """Where each field came from."""

    model = LeadFact
    fields = ("field", "value", "source", "page", "fetched_at")
    readonly_fields = fields
    extra = 0
    can_delete = False
    tab = True
    verbose_name_plural = "provenance"

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: facts come from sources, or from editing the lead."""
        return False

    @display(description="Page")
    def page(self, fact: LeadFact) -> SafeString | str:
        """The page that said so."""
        return outside_link(fact.url)


class MergeInline(TabularInline):
    """What was taken for the same business."""

    model = LeadMerge
    fk_name = "lead"
    fields = ("name", "key_kind", "key_value", "source", "page", "created_at", "undo")
    readonly_fields = fields
    extra = 0
    can_delete = False
    tab = True
    verbose_name_plural = "merges"

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: merges are history."""
        return False

    @display(description="Way back")
    def undo(self, merge: LeadMerge) -> SafeString | str:
        """A link to the page where a merge is undone."""
        if merge.undone_at:
            return "undone"
        if merge.absorbed_id is None:
            return "–"
        where = reverse(f"{admin.site.name}:leads_leadmerge_change", args=[merge.pk])
        return format_html('<a href="{}">Undo …</a>', where)

    @display(description="Page")
    def page(self, merge: LeadMerge) -> SafeString | str:
        """The page that brought it."""
        return outside_link(merge.url)


class NamedValues(admin.AllValuesFieldListFilter):
    """All values of a field; a blank one has a name."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Name what is blank."""
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "none"}


class CityFilter(TextFilter):
    """A town by its name: there are too many to list them."""

    title = "city"
    parameter_name = "city"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Lead]
    ) -> QuerySet[Lead]:
        """Keep the leads of the town, however its letters are written."""
        city = (self.value() or "").strip()
        return queryset.filter(city__iexact=city) if city else queryset


class LeadPages(CountedPages):
    """Pages of the best leads: as many as anybody turns, and no count of all."""

    LIMIT = 5000
    ORDER = "-pk"


class LeadList(ChangeList):
    """The list without a count of all in its heading."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page; what was counted stands for the whole."""
        super().get_results(request)
        self.full_result_count = self.result_count


@admin.register(Lead)
class LeadAdmin(ModelAdmin):
    """Every business, the ones that need us most first."""

    list_display = (
        "named",
        "score_shown",
        "top_reason",
        "place",
        "site",
        "email",
        "first_seen_at",
    )
    list_filter = (StageFilter, ("category", NamedValues), CityFilter)
    paginator = LeadPages
    search_fields = SEARCHED
    list_select_related = ("merged_into",)
    # Unscored leads last; PostgreSQL puts NULL first when descending.
    ordering = (F("score").desc(nulls_last=True), "pk")
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = (
        "score_shown", "reasons", "audit_shown", "scored_at", "enriched_at",
        "first_seen_at", "updated_at", "merged_shown", "map_shown", "attribution_shown",
        "timeline_shown",
    )  # fmt: skip
    fieldsets = (
        (
            None,
            {"fields": ("name", "category", "description", "hiring", "merged_shown")},
        ),
        ("Why", {"fields": ("score_shown", "reasons", "scored_at")}),
        (
            "Contact",
            {
                "fields": (
                    ("website", "email"),
                    ("phone", "street"),
                    ("city", "region"),
                    ("postal_code", "country"),
                    ("latitude", "longitude"),
                    ("map_shown", "attribution_shown"),
                )
            },
        ),
        (
            "Law",
            {
                "fields": (("legal_form", "legal_basis"), "legal_basis_note"),
                "classes": ["tab"],
            },
        ),
        ("Website", {"fields": ("audit_shown", "enriched_at"), "classes": ["tab"]}),
        (
            "Life",
            {
                "fields": (("first_seen_at", "updated_at"), "timeline_shown"),
                "classes": ["tab"],
            },
        ),
    )
    inlines = (FactInline, MergeInline)
    formfield_overrides = {
        TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
    }
    actions = ("enrich_leads", "score_leads", "build_demos", "export_leads")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Show them without counting all."""
        return LeadList

    @display(description="Name", ordering="name", header=True)
    def named(self, lead: Lead) -> tuple[str, str]:
        """The name, and what kind of business it is."""
        return lead.name, lead.category

    @display(description="Score", ordering="score")
    def score_shown(self, lead: Lead) -> SafeString | str:
        """The score with a bar."""
        return score_bar(lead)

    @display(description="Why first of all")
    def top_reason(self, lead: Lead) -> str:
        """The reason with the most points."""
        best = max(lead.score_reasons, key=lambda each: each["points"], default=None)
        return str(best["reason"]) if best else "–"

    @display(description="Place", ordering="city")
    def place(self, lead: Lead) -> str:
        """City and region."""
        return lead.place or "–"

    @display(description="Website")
    def site(self, lead: Lead) -> SafeString | str:
        """A link to the business's own site."""
        return outside_link(lead.website)

    @display(description="Reasons")
    def reasons(self, lead: Lead) -> SafeString | str:
        """Every reason with its points."""
        return reason_list(lead)

    @display(description="Last visit")
    def audit_shown(self, lead: Lead) -> SafeString | str:
        """What the last visit of the website found."""
        return audit_table(lead)

    @display(description="Map")
    def map_shown(self, lead: Lead) -> SafeString | str:
        """A link to where it is."""
        return map_link(lead)

    @display(description="Data from")
    def attribution_shown(self, lead: Lead) -> str:
        """Whom the sources' terms want named."""
        return attribution(lead)

    @display(description="What happened")
    def timeline_shown(self, lead: Lead) -> SafeString | str:
        """Its events, the newest first."""
        return timeline(lead)

    @display(description="Merged into")
    def merged_shown(self, lead: Lead) -> SafeString | str:
        """The lead that stands for this one."""
        return lead_link(lead.merged_into)

    def save_model(
        self, request: HttpRequest, obj: Lead, form: ModelForm[Lead], change: bool
    ) -> None:
        """Keep what was typed as a person's word, which no source overwrites."""
        super().save_model(request, obj, form, change)
        store_person_edit(obj, form.changed_data)

    @action(description="Visit the website, then score", permissions=["change"])
    def enrich_leads(self, request: HttpRequest, queryset: QuerySet[Lead]) -> None:
        """Enqueue a visit of each lead's website."""
        self._enqueue_each(request, queryset, "scrape_website")

    @action(description="Score", permissions=["change"])
    def score_leads(self, request: HttpRequest, queryset: QuerySet[Lead]) -> None:
        """Enqueue the scoring of each lead."""
        self._enqueue_each(request, queryset, "analyze_lead")

    @action(description="Build a demo site", permissions=["change"])
    def build_demos(self, request: HttpRequest, queryset: QuerySet[Lead]) -> None:
        """Enqueue a demo site for each lead."""
        self._enqueue_each(request, queryset, "generate_demo_site")

    @action(description="Export as CSV", permissions=["export"])
    def export_leads(self, request: HttpRequest, queryset: QuerySet[Lead]) -> None:
        """Enqueue an export of the chosen leads."""
        if request.POST.get("select_across") == "1":
            # The whole list under its filters; its rows may be many.
            filters: dict[str, object] = _filters_of(request)
        else:
            filters = {"ids": list(queryset.values_list("pk", flat=True))}
        request_export("csv", filters, user_id=request.user.pk)
        messages.success(request, "The export is enqueued: its file comes to Exports.")

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Ask for the right to add exports."""
        return bool(request.user.has_perm("leads.add_leadexport"))

    def _enqueue_each(
        self, request: HttpRequest, queryset: QuerySet[Lead], actor: str
    ) -> None:
        lead_ids = list(queryset.values_list("pk", flat=True))
        try:
            for lead_id in lead_ids:
                # A second click while the first is waiting adds nothing.
                enqueue(actor, lead_id=lead_id, unique_key=f"{actor}:{lead_id}")
        except FlipTechError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{len(lead_ids)} tasks are enqueued: {actor}.")


def _filters_of(request: HttpRequest) -> dict[str, object]:
    """Read the list's own filters from its address."""
    names = {"stage": "stage", "q": "q", "city": "city", "category": "category"}
    return {
        name: request.GET[key] for key, name in names.items() if request.GET.get(key)
    }
