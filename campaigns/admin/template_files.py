"""A template's files in admin: uploaded, judged by their content, kept in the database."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from campaigns.enclosing import describe, read_upload
from campaigns.file_types import ENDINGS, check_total
from campaigns.models import TemplateFile
from fliptech_site.errors import InvalidInput


class TemplateFileForm(forms.ModelForm):  # type: ignore[type-arg]
    """One file; uploading again replaces it."""

    upload = forms.FileField(
        required=False,
        widget=UnfoldAdminFileFieldWidget(
            attrs={"accept": ",".join(f".{ending}" for ending in ENDINGS)}
        ),
    )

    class Meta:
        model = TemplateFile
        fields = ("is_inline",)

    def clean(self) -> dict[str, Any]:
        """Take the file in. Refuses what no mail should carry."""
        cleaned: dict[str, Any] = super().clean() or {}
        self.instance.is_inline = bool(cleaned.get("is_inline"))
        upload = cleaned.get("upload")
        try:
            if upload:
                describe(self.instance, str(upload.name), read_upload(upload))
            elif self.instance.pk:
                describe(self.instance, self.instance.name, self.instance.content)
            else:
                raise InvalidInput("Choose a file.")
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from None
        return cleaned

    def has_changed(self) -> bool:
        """A row without a file is an empty one, whatever else is ticked."""
        return super().has_changed() and bool(
            self.instance.pk or self.files.get(self.add_prefix("upload"))
        )


class TemplateFileFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """All files of a template, with a limit on all together."""

    def clean(self) -> None:
        """Refuse more than a mail should carry."""
        super().clean()
        kept = [
            form.instance
            for form in self.forms
            if form.instance.size_bytes and not form.cleaned_data.get("DELETE")
        ]
        names = [file.name for file in kept]
        try:
            check_total([file.size_bytes for file in kept])
            if len(names) != len(set(names)):
                raise InvalidInput("A template's files have different names.")
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from None


class TemplateFileInline(TabularInline):
    """What goes with the mail."""

    model = TemplateFile
    form = TemplateFileForm
    formset = TemplateFileFormSet
    verbose_name_plural = "Attachments and images"
    fields = ("file_shown", "upload", "is_inline")
    readonly_fields = ("file_shown",)
    extra = 1
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[TemplateFile]:
        """Leave the contents in the database."""
        return super().get_queryset(request).defer("content")  # type: ignore[no-any-return]

    @display(description="File")
    def file_shown(self, file: TemplateFile) -> str:
        """Its name, kind and size."""
        if not file.pk:
            return "–"
        return f"{file.name} ({file.content_type}, {filesizeformat(file.size_bytes)})"
