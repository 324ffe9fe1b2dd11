"""Templates in admin: checked when they are saved, judged beside the form, previewed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from campaigns.admin.template_files import TemplateFileInline
from campaigns.admin.template_preview import frame_page, preview_page
from campaigns.enclosing import touch
from campaigns.fields import CATALOGUE, read_fallbacks, show_fallbacks
from campaigns.models import Template
from campaigns.reviewing import review
from campaigns.templating import Source, check
from fliptech_site.errors import InvalidInput

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
    """What is said, what may be wrong with it, and what goes with it."""

    form = TemplateForm
    list_display = ("name", "subject", "updated_at", "preview_link")
    search_fields = ("name", "subject")
    readonly_fields = ("findings", "preview_link", "fields_shown")
    inlines = (TemplateFileInline,)

    def get_fieldsets(self, request: HttpRequest, obj: Template | None = None) -> Any:
        """Show the findings once there is something to judge."""
        judged = [] if obj is None else ["findings", "preview_link"]
        written = ["name", "subject", "body_html", "body_text", "fallbacks_written"]
        return (
            (None, {"fields": [*judged, *written]}),
            ("Fields", {"fields": ["fields_shown"], "classes": ["collapse"]}),
        )

    def get_urls(self) -> list[URLPattern]:
        """Add the preview, and the page inside its frames."""
        pages = [
            path("<int:pk>/preview/", self._previewed(preview_page), name=_PREVIEW),
            path(
                "<int:pk>/frame/", self._previewed(frame_page), name=f"{_PREVIEW}_html"
            ),
        ]
        return [*pages, *super().get_urls()]

    def _previewed(self, page: Any) -> Any:
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            template = self.get_object(request, str(pk))
            if template is not None and not self.has_view_permission(request, template):
                template = None
            answer: HttpResponse = page(self.admin_site, request, template)
            return answer

        return self.admin_site.admin_view(view)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: Any, change: bool
    ) -> None:
        """Save the files, and let all workers see that they changed."""
        super().save_formset(request, form, formset, change)
        touch(form.instance)

    @display(description="Review")
    def findings(self, template: Template) -> SafeString | str:
        """What is wrong with it, the worst first."""
        found = review(template)
        if not found:
            return "Nothing to find fault with."
        return format_html(
            '<ul style="line-height:1.7">{}</ul>',
            format_html_join(
                "",
                '<li><strong style="color:{}">{}</strong> {}</li>',
                (
                    (
                        _COLOURS[finding.level.value],
                        finding.level.value,
                        finding.sentence,
                    )
                    for finding in found
                ),
            ),
        )

    @display(description="Preview")
    def preview_link(self, template: Template) -> SafeString:
        """Where to see it filled in for any lead."""
        url = reverse(f"admin:{_PREVIEW}", args=[template.pk])
        return format_html(
            '<a href="{}" class="text-primary-600 dark:text-primary-500">For any lead</a>',
            url,
        )

    @display(description="What a template may use")
    def fields_shown(self, template: Template) -> SafeString:
        """Every field with what it is and an example."""
        return format_html(
            '<div style="overflow-x:auto"><table><tbody>{}</tbody></table></div>',
            format_html_join(
                "",
                '<tr><td style="padding-right:16px"><code>{{{{ {} }}}}</code></td>'
                '<td style="padding-right:16px">{}</td><td>{}</td></tr>',
                (
                    (path, field.about, _shown(field.example))
                    for path, field in CATALOGUE.items()
                ),
            ),
        )


_PREVIEW = "campaigns_template_preview"
#: Readable on white and on admin's dark ground.
_COLOURS = {"error": "#dc2626", "warning": "#b45309"}


def _shown(example: object) -> str:
    return str(example).lower() if isinstance(example, bool) else str(example)
