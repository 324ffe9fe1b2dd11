"""The steps of a campaign, on its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest

from campaigns.admin.lines import LabelledLines
from campaigns.models import Campaign, Email, Step

if TYPE_CHECKING:
    _Base = forms.BaseInlineFormSet[Step, Campaign, forms.ModelForm[Step]]
else:
    _Base = forms.BaseInlineFormSet


class StepFormSet(_Base):
    """Steps that make one sequence: a first mail, and nothing torn out behind it."""

    def clean(self) -> None:
        """Refuse a sequence without a first mail, and the removal of what was sent."""
        super().clean()
        if any(self.errors):
            return
        kept = [form for form in self.forms if _is_kept(form)]
        numbers = {form.cleaned_data["number"] for form in kept}
        if 1 not in numbers:
            raise forms.ValidationError("A campaign has a first mail: add step 1.")
        if self.instance._state.adding:  # A new campaign has written nothing.
            return
        before = set(self.instance.steps.values_list("number", flat=True))
        for number in sorted(before - numbers):
            if Email.objects.filter(campaign=self.instance.pk, step=number).exists():
                raise forms.ValidationError(
                    f"Mails of step {number} were written already: it has to stay, with"
                    " its number."
                )


class StepInline(LabelledLines):
    """The first mail and its follow-ups."""

    model = Step
    formset = StepFormSet
    fields = (
        "number", "template", "wait_days", "wait_hours", "condition", "in_thread",
    )  # fmt: skip
    ordering = ("number",)
    extra = 0
    min_num = 1

    def has_change_permission(
        self, request: HttpRequest, obj: Campaign | None = None
    ) -> bool:
        """Whoever may change the campaign may change its steps."""
        return request.user.has_perm("campaigns.change_campaign")

    has_add_permission = has_change_permission
    has_delete_permission = has_change_permission


def _is_kept(form: Any) -> bool:
    data = form.cleaned_data
    return bool(data) and not data.get("DELETE")
