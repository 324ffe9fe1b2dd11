"""Templates in admin, checked when they are saved and shown filled in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from campaigns.admin.showing import boxed_html, mail_frame, text_block
from campaigns.composing import preview
from campaigns.fields import read_fallbacks, show_fallbacks
from campaigns.models import Campaign, Template
from campaigns.templating import Rendered, Source, check
from demos.models import DemoSite
from fliptech_site.errors import InvalidInput
from leads.models import Lead

_MONO = {"style": "font-family:ui-monospace,monospace", "rows": 16}


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    """A template that works for every lead."""

    fallbacks_written = forms.CharField(
        label="Fallbacks",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={**_MONO, "rows": 4}),
        help_text="What stands in for a blank field, a line each: lead.city = your town",
    )

    class Meta:
        model = Template
        fields = ("name", "subject", "body_html", "body_text")
        widgets = {
            "body_html": UnfoldAdminTextareaWidget(attrs=_MONO),
            "body_text": UnfoldAdminTextareaWidget(attrs=_MONO),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["fallbacks_written"] = show_fallbacks(self.instance.fallbacks)

    def clean_fallbacks_written(self) -> str:
        """Read the lines into the row. Refuses unknown fields."""
        written = str(self.cleaned_data["fallbacks_written"])
        try:
            self.instance.fallbacks = read_fallbacks(written)
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from None
        return written

    def clean(self) -> dict[str, Any]:
        """Refuse unknown fields and wrong Liquid with one sentence."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        source = Source(
            cleaned["name"],
            cleaned["subject"],
            cleaned["body_html"],
            cleaned["body_text"],
            self.instance.fallbacks,
        )
        try:
            check(source)
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from None
        return cleaned


@admin.register(Template)
class TemplateAdmin(ModelAdmin):
    """What is said, with a preview for the best lead."""

    form = TemplateForm
    list_display = ("name", "subject", "updated_at")
    search_fields = ("name", "subject")
    readonly_fields = ("preview_subject", "preview_html", "preview_text")

    def get_fieldsets(self, request: HttpRequest, obj: Template | None = None) -> Any:
        """Show the preview once there is something to show."""
        written = (
            None,
            {
                "fields": (
                    "name", "subject", "body_html", "body_text", "fallbacks_written",
                )
            },
        )  # fmt: skip
        if obj is None:
            return (written,)
        shown = ("preview_subject", "preview_html", "preview_text")
        return (written, ("Preview for the best lead", {"fields": shown}))

    def get_urls(self) -> list[URLPattern]:
        """Add the page inside the preview's frame."""
        page = path(
            "<int:pk>/preview/",
            self.admin_site.admin_view(self.preview_page),
            name="campaigns_template_preview",
        )
        return [page, *super().get_urls()]

    def preview_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with the HTML part, filled in."""
        template = self.get_object(request, str(pk))
        if template is None or not self.has_view_permission(request, template):
            raise Http404
        made = _made(template)
        return boxed_html(made.html if isinstance(made, Rendered) else made)

    @display(description="Subject")
    def preview_subject(self, template: Template) -> str:
        """The subject, filled in."""
        made = _made(template)
        return made.subject if isinstance(made, Rendered) else made

    @display(description="HTML part")
    def preview_html(self, template: Template) -> SafeString:
        """The HTML part in its box."""
        url = reverse("admin:campaigns_template_preview", args=[template.pk])
        return mail_frame(url, "Preview of the HTML part")

    @display(description="Text part")
    def preview_text(self, template: Template) -> SafeString | str:
        """The text part."""
        made = _made(template)
        return text_block(made.text) if isinstance(made, Rendered) else "–"


def _made(template: Template) -> Rendered | str:
    lead = (
        Lead.objects.active()
        .filter(pk__in=DemoSite.objects.live().values("lead_id"))
        .order_by("-score", "id")
        .first()
    )
    campaign = (
        Campaign.objects.filter(steps__template=template)
        .select_related("account")
        .first()
    )
    try:
        return preview(template, campaign.account if campaign else None, lead)
    except InvalidInput as error:
        return str(error)
