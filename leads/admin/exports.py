"""Exports in admin: ask for a file of leads, and download it while it is kept."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from fliptech_site.errors import InvalidInput
from leads.admin.showing import FILE_COLOURS, ReadOnlyAdmin
from leads.exporting import file_of, request_export
from leads.filtering import STAGES
from leads.models import LeadExport


class ExportForm(BaseDialogForm):
    """Which leads, in what kind of file."""

    format = forms.ChoiceField(
        choices=LeadExport.Format.choices, widget=UnfoldAdminSelectWidget
    )
    stage = forms.ChoiceField(
        choices=[("", "all"), *STAGES.items()],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    min_score = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=100,
        label="Score at least",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    category = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget)
    city = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget)
    q = forms.CharField(
        required=False, label="Search", widget=UnfoldAdminTextInputWidget
    )


@admin.register(LeadExport)
class LeadExportAdmin(ReadOnlyAdmin):
    """Files of leads that people asked for, the newest first."""

    list_display = (
        "__str__", "format", "wanted", "state_badge", "leads", "size_shown", "download_link",
        "created_by", "created_at", "expires_at",
    )  # fmt: skip
    list_select_related = ("created_by",)
    list_filter = ("state", "format")
    ordering = ("-created_at",)
    show_full_result_count = False
    actions_list = ("ask",)
    fields = (
        "format", "wanted", "state_badge", "reason", "leads", "size_shown", "download_link",
        "created_by", "task_id", "created_at", "finished_at", "expires_at",
    )  # fmt: skip

    @display(description="State", label=FILE_COLOURS)
    def state_badge(self, row: LeadExport) -> str:
        """Where it stands."""
        return row.state

    @display(description="Size", ordering="size")
    def size_shown(self, row: LeadExport) -> str:
        """The size of the file, as people read it."""
        return str(filesizeformat(row.size)) if row.size else "–"

    @display(description="File")
    def download_link(self, row: LeadExport) -> SafeString | str:
        """A link to the file while there is one."""
        try:
            file_of(row)
        except InvalidInput:
            return "–"
        where = reverse(
            f"{self.admin_site.name}:leads_leadexport_download", args=[row.pk]
        )
        return format_html('<a href="{}">Download</a>', where)

    @action(
        description="Export leads",
        icon="download",
        permissions=["ask"],
        dialog={
            "title": "Export leads",
            "description": "A worker writes the file; it is kept here for some days.",
            "form_class": ExportForm,
            "form_submit_text": "Export",
        },
    )
    def ask(self, request: HttpRequest, form: ExportForm) -> HttpResponse:
        """Enqueue the export."""
        given = form.cleaned_data
        filters = {
            name: given[name]
            for name in ("stage", "min_score", "category", "city", "q")
            if given.get(name) not in ("", None)
        }
        try:
            request_export(given["format"], filters, user_id=request.user.pk)
        except InvalidInput as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "The export is enqueued.")
        where = reverse(f"{self.admin_site.name}:leads_leadexport_changelist")
        return HttpResponse(headers={"HX-Redirect": where})

    def has_ask_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """Ask for the right to add exports (see `ScrapeJobAdmin` for why it is here)."""
        return bool(request.user.has_perm("leads.add_leadexport"))

    def get_urls(self) -> list[URLPattern]:
        """Add the download."""
        download = path(
            "<int:pk>/download/",
            self.admin_site.admin_view(self.download),
            name="leads_leadexport_download",
        )
        return [download, *super().get_urls()]

    def download(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Hand out the file to those who may see exports and leads."""
        wanted = ("leads.view_leadexport", "leads.view_lead")
        if not request.user.has_perms(wanted):
            raise PermissionDenied
        row = get_object_or_404(LeadExport, pk=pk)
        try:
            file = file_of(row).open("rb")
        except (InvalidInput, OSError) as error:
            messages.error(request, str(error))
            return redirect(f"{self.admin_site.name}:leads_leadexport_changelist")
        answer = FileResponse(file, as_attachment=True, filename=row.stored_as)
        answer["Cache-Control"] = "private, no-store"
        return answer
