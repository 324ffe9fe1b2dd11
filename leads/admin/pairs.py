"""Doubtful pairs and merges in admin: decide, and undo."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from fliptech_site.dialogs import ask
from fliptech_site.errors import InvalidInput
from leads.absorbing import undo_merge
from leads.admin.showing import ReadOnlyAdmin, lead_link
from leads.linking.comparing import Comparison
from leads.models import Lead, LeadMerge, LeadPair
from leads.models.lead import LEAD_FIELDS
from leads.reviewing import merge_pair, part_pair

_STATES = {
    LeadPair.State.OPEN.value: "warning",
    LeadPair.State.MERGED.value: "success",
    LeadPair.State.APART.value: "info",
}


@admin.register(LeadPair)
class LeadPairAdmin(ReadOnlyAdmin):
    """Pairs of leads that may be one business, the likeliest first."""

    list_display = (
        "one_shown", "other_shown", "likely", "why", "state_badge", "decided_by",
        "decided_at",
    )  # fmt: skip
    list_display_links = ("likely",)
    list_filter = ("state",)
    list_select_related = ("one", "other", "decided_by")
    ordering = ("-bits", "pk")
    search_fields = ("one__name", "other__name")
    show_full_result_count = False
    actions = ("merge_chosen", "part_chosen")
    actions_detail = ("merge", "part")
    fields = (
        "side_by_side",
        "likely",
        "why",
        "state_badge",
        "decided_by",
        "decided_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[LeadPair]:
        """Show undecided pairs in the list unless its filter asks for others."""
        pairs: QuerySet[LeadPair] = super().get_queryset(request)
        match = request.resolver_match
        is_list = match is not None and not match.kwargs
        chosen = any(name.startswith("state") for name in request.GET)
        return pairs.filter(state="open") if is_list and not chosen else pairs

    @display(description="One", ordering="one__name")
    def one_shown(self, pair: LeadPair) -> SafeString:
        """The lead that would stay."""
        return _short(pair.one)

    @display(description="Other", ordering="other__name")
    def other_shown(self, pair: LeadPair) -> SafeString:
        """The lead that would be merged into it."""
        return _short(pair.other)

    @display(description="Likely", ordering="bits")
    def likely(self, pair: LeadPair) -> str:
        """How likely both are one business."""
        return f"{Comparison(pair.bits, ()).probability:.0%}"

    @display(description="Because")
    def why(self, pair: LeadPair) -> str:
        """What counted."""
        return ", ".join(pair.reasons) or "a person said so"

    @display(description="State", label=_STATES)
    def state_badge(self, pair: LeadPair) -> str:
        """What was decided."""
        return pair.state

    @display(description="Side by side")
    def side_by_side(self, pair: LeadPair) -> SafeString:
        """Every field of both; those that differ stand out."""
        one, other = pair.one.as_facts(), pair.other.as_facts()
        rows = (
            (
                "600" if one[field] != other[field] else "400",
                field.replace("_", " "),
                _cell(one[field]),
                _cell(other[field]),
            )
            for field in LEAD_FIELDS
            if one[field] or other[field]
        )
        return format_html(
            '<table style="line-height:1.8;text-align:left;overflow-wrap:anywhere"><thead><tr><th></th><th>{}</th>'
            "<th>{}</th></tr></thead><tbody>{}</tbody></table>",
            lead_link(pair.one),
            lead_link(pair.other),
            format_html_join(
                "",
                '<tr style="font-weight:{}"><td style="padding-right:18px;opacity:.85;overflow-wrap:normal">{}</td>'
                '<td style="padding-right:18px;max-width:24rem">{}</td>'
                '<td style="max-width:24rem">{}</td></tr>',
                rows,
            ),
        )

    @action(
        description="Merge",
        url_path="merge",
        icon="join",
        permissions=["decide"],
        dialog=ask(
            "Merge these two?",
            "They become one lead. This can be undone on the page of the merge.",
            "Merge",
        ),
    )
    def merge(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Make one lead of both."""
        return self._one(request, object_id, merge_pair, "They are one lead now.")

    @action(
        description="Not the same",
        url_path="part",
        icon="call_split",
        permissions=["decide"],
        dialog=ask(
            "Are these two different businesses?",
            "They are kept apart for ever: nothing merges them or asks again.",
            "Not the same",
        ),
    )
    def part(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Keep both apart."""
        return self._one(request, object_id, part_pair, "They are kept apart for ever.")

    @action(description="Merge", permissions=["decide"])
    def merge_chosen(self, request: HttpRequest, queryset: QuerySet[LeadPair]) -> None:
        """Make one lead of each chosen pair."""
        self._each(request, queryset, merge_pair, "merged")

    @action(description="Not the same", permissions=["decide"])
    def part_chosen(self, request: HttpRequest, queryset: QuerySet[LeadPair]) -> None:
        """Keep each chosen pair apart."""
        self._each(request, queryset, part_pair, "kept apart")

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """Ask for the right to change leads (see `ScrapeJobAdmin` for why it is here)."""
        return bool(request.user.has_perm("leads.change_lead"))

    def _one(
        self,
        request: HttpRequest,
        object_id: str,
        decide: Callable[..., None],
        done: str,
    ) -> HttpResponse:
        pair = get_object_or_404(LeadPair, pk=object_id)
        try:
            decide(pair, user_id=request.user.pk)
        except InvalidInput as error:
            messages.error(request, str(error))
        else:
            messages.success(request, done)
        where = reverse(f"{self.admin_site.name}:leads_leadpair_changelist")
        return HttpResponse(headers={"HX-Redirect": where})

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[LeadPair],
        decide: Callable[..., None],
        done: str,
    ) -> None:
        count = 0
        for pair in queryset:
            try:
                decide(pair, user_id=request.user.pk)
            except InvalidInput as error:
                messages.error(request, f"{pair}: {error}")
            else:
                count += 1
        messages.success(request, f"{count} pairs are {done}.")


def _short(lead: Lead) -> SafeString:
    parts = (lead.street, lead.city, lead.phone, lead.website)
    return format_html(
        '<div>{}<div style="opacity:.85">{}</div></div>',
        lead.name,
        ", ".join(part for part in parts if part) or "–",
    )


def _cell(value: object) -> str:
    return "–" if value in ("", None) else str(value)


@admin.register(LeadMerge)
class LeadMergeAdmin(ReadOnlyAdmin):
    """What was merged, by what, and a way back."""

    list_display = (
        "name",
        "into",
        "key_kind",
        "key_value",
        "source",
        "created_at",
        "undone_at",
    )
    list_filter = ("key_kind", "source")
    list_select_related = ("lead", "absorbed", "undone_by")
    ordering = ("-created_at",)
    search_fields = ("name", "lead__name")
    show_full_result_count = False
    actions_detail = ("undo",)
    fields = (
        "name", "into", "absorbed_shown", "key_kind", "key_value", "source",
        "created_at", "undone_at", "undone_by",
    )  # fmt: skip

    @display(description="Into")
    def into(self, merge: LeadMerge) -> SafeString | str:
        """The lead that stayed."""
        return lead_link(merge.lead)

    @display(description="Lead that was merged")
    def absorbed_shown(self, merge: LeadMerge) -> SafeString | str:
        """The lead that is part of it now."""
        return lead_link(merge.absorbed)

    @action(
        description="Undo this merge",
        url_path="undo",
        icon="undo",
        permissions=["undo"],
        dialog=ask(
            "Make two leads of one again?",
            "Each gets back its fields, keys and sources as they were, and both are kept"
            " apart for ever. What came after the merge stays with the lead that stayed.",
            "Undo",
        ),
    )
    def undo(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Make two leads of one again."""
        merge = get_object_or_404(LeadMerge, pk=object_id)
        try:
            undo_merge(merge, user_id=request.user.pk)
        except InvalidInput as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{merge.name} is a lead of its own again.")
        where = reverse(f"{self.admin_site.name}:leads_leadmerge_changelist")
        return HttpResponse(headers={"HX-Redirect": where})

    def has_undo_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """Ask for the right to change leads (see `ScrapeJobAdmin` for why it is here)."""
        return bool(request.user.has_perm("leads.change_lead"))
