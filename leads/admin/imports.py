"""Imports in admin: upload a file, look at what it would bring, start."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
)

from fliptech_site.errors import InvalidInput
from leads.admin.showing import FILE_COLOURS
from leads.models import LeadImport
from leads.models.files import FileState
from leads.models.lead import LEAD_FIELDS
from leads.uploads import Preview, file_of, keep_upload, preview, start_import


class UploadForm(forms.ModelForm):  # type: ignore[type-arg]
    """A file to import."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text="CSV, XLSX or JSONL. You will see a preview before anything is stored.",
    )

    class Meta:
        model = LeadImport
        fields = ("send_on",)

    user_id: int | None = None

    def clean(self) -> dict[str, Any]:
        """Keep the file and look into it, or say what is wrong with it."""
        given: dict[str, Any] = super().clean() or {}
        upload: UploadedFile[Any] | None = given.get("file")
        if upload is None:
            return given
        try:
            kept = keep_upload(upload.name or "", upload.chunks(), user_id=self.user_id)
        except InvalidInput as error:
            self.add_error("file", str(error))
            return given
        kept.send_on = given.get("send_on", True)
        self.instance = kept
        return given


class ColumnsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Which column makes which field, guessed at first."""

    class Meta:
        model = LeadImport
        fields = ("send_on",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = _preview_of(self.instance)
        header = found.header if isinstance(found, Preview) else []
        columns = found.columns if isinstance(found, Preview) else {}
        choices = [("", "–"), *((name, name) for name in header)]
        for name in LEAD_FIELDS:
            made_of = columns.get(name, [])
            several = [("+".join(made_of), " + ".join(made_of))]
            self.fields[f"column_{name}"] = forms.ChoiceField(
                label=name.replace("_", " ").capitalize(),
                choices=choices + (several if len(made_of) > 1 else []),
                initial="+".join(made_of),
                required=False,
                widget=UnfoldAdminSelectWidget,
            )

    def clean(self) -> dict[str, Any]:
        """Read the chosen columns, and refuse what gives no names."""
        given: dict[str, Any] = super().clean() or {}
        columns = {}
        for name in LEAD_FIELDS:
            text = given.pop(f"column_{name}", "")
            header = [value for value, _ in self.fields[f"column_{name}"].choices]  # type: ignore[attr-defined]
            columns[name] = [text] if text in header[1:] and "+" not in text else [
                part for part in text.split("+") if part
            ]  # fmt: skip
        try:
            preview(file_of(self.instance), given=columns, rows=1)
        except InvalidInput as error:
            self.add_error("column_name", str(error))
        self.instance.columns = columns
        return given


def _preview_of(kept: LeadImport) -> Preview | str:
    """Look into an import's file, or say why that can't be done."""
    try:
        return preview(file_of(kept), given=kept.columns or None)
    except InvalidInput as error:
        return str(error)


@admin.register(LeadImport)
class LeadImportAdmin(ModelAdmin):
    """Files of businesses: upload one, look at what it would bring, start."""

    list_display = (
        "name", "state_badge", "rows_done", "created", "merged", "known", "left_out",
        "created_by", "created_at",
    )  # fmt: skip
    list_select_related = ("created_by",)
    list_filter = ("state",)
    ordering = ("-created_at",)
    show_full_result_count = False
    actions_detail = ("start",)
    _shown = (
        "name", "state_badge", "reason", "rows_done", "created", "merged", "known",
        "left_out", "problems_shown",
    )  # fmt: skip

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[LeadImport]]:
        """Ask for a file first, then for its columns."""
        if obj is None:
            return type("OwnUploadForm", (UploadForm,), {"user_id": request.user.pk})
        if obj.state == FileState.UPLOADED:
            return ColumnsForm
        form: type[forms.ModelForm[LeadImport]] = super().get_form(
            request, obj, change, **kwargs
        )
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the upload, the preview or the outcome."""
        if obj is None:
            return ((None, {"fields": ("file", "send_on")}),)
        if obj.state != FileState.UPLOADED:
            return ((None, {"fields": self._shown}),)
        chosen = tuple(f"column_{name}" for name in LEAD_FIELDS)
        rows = tuple(chosen[at : at + 3] for at in range(0, len(chosen), 3))
        return (
            ("What the first rows would bring", {"fields": ("preview_shown",)}),
            ("Columns", {"fields": (*rows, "send_on")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything but the choice of columns is shown only."""
        if obj is None:
            return ()
        return ("preview_shown",) if obj.state == FileState.UPLOADED else self._shown

    def has_change_permission(
        self, request: HttpRequest, obj: LeadImport | None = None
    ) -> bool:
        """Ask for the right to add: choosing columns is part of bringing a file in."""
        is_open = obj is None or obj.state == FileState.UPLOADED
        return is_open and bool(request.user.has_perm("leads.add_leadimport"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: it is a record; its file goes by itself."""
        return False

    def save_model(
        self, request: HttpRequest, obj: LeadImport, form: Any, change: bool
    ) -> None:
        """Save; the row of a new upload was made with its file."""
        obj.save()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer one button: what follows is the preview in any case."""
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        answer: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return answer

    def response_add(
        self, request: HttpRequest, obj: LeadImport, post_url_continue: Any = None
    ) -> HttpResponse:
        """Go on to the preview."""
        return redirect(f"{self.admin_site.name}:leads_leadimport_change", obj.pk)

    def response_change(self, request: HttpRequest, obj: LeadImport) -> HttpResponse:
        """Stay at the preview, now with the chosen columns."""
        messages.info(request, "The preview shows the columns that you chose.")
        return redirect(f"{self.admin_site.name}:leads_leadimport_change", obj.pk)

    @display(description="State", label=FILE_COLOURS)
    def state_badge(self, kept: LeadImport) -> str:
        """Where it stands."""
        return kept.state

    @display(description="Left out")
    def problems_shown(self, kept: LeadImport) -> SafeString | str:
        """The rows that were left out, with their reasons."""
        return _lines(kept.problems) if kept.problems else "–"

    @display(description="Preview")
    def preview_shown(self, kept: LeadImport) -> SafeString | str:
        """The first rows as they would be stored, and those that would be left out."""
        found = _preview_of(kept)
        return found if isinstance(found, str) else _preview_table(found)

    @action(
        description="Import",
        url_path="start",
        icon="play_arrow",
        permissions=["start"],
        dialog={
            "title": "Import this file?",
            "description": "A worker stores the good rows as leads and names the others.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Import",
        },
    )
    def start(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Enqueue the import."""
        kept = get_object_or_404(LeadImport, pk=object_id)
        try:
            start_import(kept)
        except InvalidInput as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{kept.name} is being imported.")
        where = reverse(
            f"{self.admin_site.name}:leads_leadimport_change", args=[kept.pk]
        )
        return HttpResponse(headers={"HX-Redirect": where})

    def has_start_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        """Ask for the right to add imports (see `ScrapeJobAdmin` for why it is here)."""
        return bool(request.user.has_perm("leads.add_leadimport"))


def _lines(texts: list[str]) -> SafeString:
    return format_html(
        '<ul style="line-height:1.7">{}</ul>',
        format_html_join("", "<li>{}</li>", ((text,) for text in texts)),
    )


_CELL = '<td style="padding:4px 14px 4px 0;max-width:18rem" class="truncate">{}</td>'


def _preview_table(found: Preview) -> SafeString:
    fields = list(found.columns)
    head = format_html_join("", _CELL.replace("td", "th"), ((name,) for name in fields))
    rows = (
        (row.line, format_html_join("", _CELL, ((row.values[f],) for f in fields)))
        for row in found.rows
    )
    body = format_html_join(
        "",
        '<tr><td style="padding-right:14px;opacity:.85">{}</td>{}</tr>',
        rows,
    )
    unused = ", ".join(found.unused) or "none"
    return format_html(
        '<div style="overflow-x:auto"><table style="white-space:nowrap;text-align:left">'
        '<thead><tr><th style="padding-right:14px">Line</th>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
        '<p style="margin-top:10px">Columns that are not used: {}.</p>{}',
        head,
        body,
        unused,
        _lines(found.problems),
    )
