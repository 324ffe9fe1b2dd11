"""The buttons that settle a mail in doubt on a person's word, with the reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import TabularInline
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns.models import Email, Evidence
from campaigns.receiving.settling import settle_by_hand
from campaigns.states import EmailState
from fliptech_site.dialogs import ask
from fliptech_site.errors import InvalidInput
from leads.admin.showing import ReadOnlyAdmin


class ReasonForm(BaseDialogForm):
    """How the person knows."""

    reason = forms.CharField(
        max_length=400,
        label="How do you know?",
        widget=UnfoldAdminTextInputWidget,
    )


class EvidenceInline(TabularInline):
    """What is known of a mail that was in doubt."""

    model = Evidence
    verbose_name_plural = "evidence"
    fields = ("kind", "arrived", "detail", "user", "happened_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: evidence is history."""
        return False


class SettlingButtons(ReadOnlyAdmin):
    """Settle the mail that is open, one way or the other."""

    actions_detail = ("settle_arrived", "settle_lost")

    def has_settle_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Rows are read-only; deciding about one asks for the right to change it.

        Of the page of a mail: only one in doubt is to be settled.
        """
        if not request.user.has_perm("campaigns.change_email"):
            return False
        if object_id is None:
            return True
        return Email.objects.filter(pk=object_id, state=EmailState.IN_DOUBT).exists()

    @action(
        description="It arrived",
        url_path="arrived",
        icon="check",
        permissions=["settle"],
        dialog=ask(
            "This mail arrived?",
            "Only for a mail in doubt: it counts as sent from now on.",
            "It arrived",
            ReasonForm,
        ),
    )
    def settle_arrived(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Count a mail in doubt as sent."""
        return self._settle(request, form, object_id, arrived=True)

    @action(
        description="It did not arrive",
        url_path="lost",
        icon="close",
        permissions=["settle"],
        dialog=ask(
            "This mail did not arrive?",
            "Only for a mail in doubt: it counts as failed, and may be tried again.",
            "It did not arrive",
            ReasonForm,
        ),
    )
    def settle_lost(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Count a mail in doubt as failed."""
        return self._settle(request, form, object_id, arrived=False)

    def _settle(
        self, request: HttpRequest, form: Any, object_id: str, *, arrived: bool
    ) -> HttpResponse:
        try:
            settle_by_hand(
                int(object_id),
                arrived=arrived,
                reason=form.cleaned_data["reason"],
                user=request.user,  # type: ignore[arg-type]
            )
        except InvalidInput as error:
            messages.warning(request, str(error))
        else:
            messages.success(request, "Settled.")
        path = reverse("admin:campaigns_email_change", args=[object_id])
        return HttpResponse(headers={"HX-Redirect": path})
