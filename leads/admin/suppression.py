"""Suppressed addresses in admin: they can be added and looked up, never taken away."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from fliptech_site.errors import InvalidInput
from leads.models import Suppression
from leads.suppression import address_hash, suppress


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
    search_fields = ("reason",)
    search_help_text = "A whole e-mail address, or a part of the reason"

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
