"""Suppressed addresses in admin: they can be added and looked up, never taken away."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from fliptech_site.errors import InvalidInput
from leads.models import Suppression
from leads.suppression import address_hash, suppress
from leads.suppression_lists import (
    MAX_BYTES,
    TOO_LARGE,
    count_list,
    read_bytes,
    suppress_list,
)


class SuppressionForm(forms.ModelForm):  # type: ignore[type-arg]
    """An address to suppress; only its hash is kept."""

    address = forms.CharField(
        help_text="name@example.com; it is hashed and not kept",
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = Suppression
        fields = ("reason",)

    def clean_address(self) -> str:
        """Refuse what is no address."""
        address: str = self.cleaned_data["address"]
        try:
            address_hash(address)
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from None
        return address


@admin.register(Suppression)
class SuppressionAdmin(ModelAdmin):
    """Addresses that are never written to again."""

    form = SuppressionForm
    fields = ("address", "reason")
    list_display = ("hash_shown", "reason", "created_at")
    ordering = ("-created_at",)
    show_full_result_count = False
    search_fields = ("reason",)
    search_help_text = "A whole e-mail address, or a part of the reason"

    actions_list = ("open_import",)

    @action(
        description="Import a list",
        url_path="open-import",
        icon="upload_file",
        permissions=["add"],
    )
    def open_import(self, request: HttpRequest) -> HttpResponse:
        """Go to the page that takes a list."""
        return HttpResponseRedirect(reverse("admin:leads_suppression_import"))

    def get_urls(self) -> list[URLPattern]:
        """Add the page that takes a list."""
        page = path(
            "import/",
            self.admin_site.admin_view(self.import_list),
            name="leads_suppression_import",
        )
        return [page, *super().get_urls()]

    def import_list(self, request: HttpRequest) -> HttpResponse:
        """Show the form, count what a list would bring, or suppress it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Import a list of addresses",
            "here": reverse("admin:leads_suppression_import"),
        }
        if request.method != "POST":
            return render(request, "leads/suppression_import.html", context)
        is_count = "count" in request.GET
        try:
            text = _text_of(request)
            if is_count:
                context["counted"] = count_list(text)
            else:
                added = suppress_list(text, reason=request.POST.get("reason", ""))
                are = "address is" if added == 1 else "addresses are"
                messages.success(request, f"{added:,} {are} suppressed now.")
                return HttpResponseRedirect(
                    reverse("admin:leads_suppression_changelist")
                )
        except InvalidInput as error:
            context |= {
                "sentence": str(error),
                "text": request.POST.get("text", ""),
                "reason": request.POST.get("reason", ""),
            }
        answer = "counted" if is_count else "import"
        return render(request, f"leads/suppression_{answer}.html", context)

    @display(description="Address (hash)")
    def hash_shown(self, suppression: Suppression) -> str:
        """The beginning of the hash."""
        return str(suppression)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        """Find a whole address by its hash."""
        if "@" in search_term:
            try:
                found = queryset.filter(address_hash=address_hash(search_term))
            except InvalidInput:
                found = queryset.none()
            return found, False
        by_reason: tuple[QuerySet[Suppression], bool] = super().get_search_results(
            request, queryset, search_term
        )
        return by_reason

    def save_model(
        self,
        request: HttpRequest,
        obj: Suppression,
        form: SuppressionForm,
        change: bool,
    ) -> None:
        """Suppress; an address that is there already keeps its first reason."""
        suppress(form.cleaned_data["address"], reason=obj.reason)
        obj.pk = Suppression.objects.values_list("pk", flat=True).get(
            address_hash=address_hash(form.cleaned_data["address"])
        )

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: suppression is for good."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: suppression is for good."""
        return False


def _text_of(request: HttpRequest) -> str:
    """Give what was typed and what was uploaded. Raises InvalidInput for nothing."""
    text = request.POST.get("text", "")
    upload = request.FILES.get("file")
    if isinstance(upload, UploadedFile):
        if (upload.size or 0) > MAX_BYTES:
            raise InvalidInput(TOO_LARGE)
        text += "\n" + read_bytes(upload.read())
    if not text.strip():
        raise InvalidInput("Choose a file, or write addresses.")
    return text
