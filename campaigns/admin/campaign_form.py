"""The form of a campaign: its audience field by field, its windows line by line."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns.models import Campaign
from campaigns.windows import parse_windows, write_windows
from fliptech_site.errors import InvalidInput

#: Filters that take several values, divided by commas.
_SEVERAL = ("category", "city", "region", "country", "source")
#: What the visit of a website found, as people say it.
_AUDIT = (
    ("!is_https", "no https"),
    ("!has_viewport", "not made for telephones"),
    ("!has_contact_form", "no contact form"),
    ("!has_structured_data", "no structured data"),
    ("has_mixed_content", "mixed content"),
    ("is_parked", "parked"),
    ("!is_reachable", "not reachable"),
)
#: Fields of this form that are parts of `Campaign.audience`.
AUDIENCE_FIELDS = tuple(
    f"audience_{name}" for name in (*_SEVERAL, "max_score", "audit", "q")
)


def _text(label: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """A campaign whose JSON fields nobody has to write by hand."""

    audience_category = _text("Categories", "Several with commas; blank for all.")
    audience_city = _text("Cities")
    audience_region = _text("Regions")
    audience_country = _text("Countries")
    audience_source = _text("Sources", "craigslist, google_maps, import …")
    audience_max_score = forms.IntegerField(
        label="Score at most",
        required=False,
        min_value=0,
        max_value=100,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    audience_audit = forms.MultipleChoiceField(
        label="Websites that are",
        required=False,
        choices=_AUDIT,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    audience_q = _text("Search", "Words in name, website, e-mail, phone or city.")
    windows = forms.CharField(
        label="Send windows",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="One a line, such as Mon-Fri 09:00-17:00; blank for any time.",
    )

    class Meta:
        model = Campaign
        exclude = ("audience", "send_windows")  # noqa: DJ006 - admin names the fields

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        audience = self.instance.audience
        self.initial["windows"] = write_windows(self.instance.send_windows)
        for name in AUDIENCE_FIELDS:
            value = audience.get(name.removeprefix("audience_"))
            if name.removeprefix("audience_") in _SEVERAL and value is not None:
                values = value if isinstance(value, list) else [value]
                value = ", ".join(str(each) for each in values)
            self.initial[name] = value

    def clean(self) -> dict[str, Any]:
        """Put the fields together; what makes no sense is said where it stands."""
        given: dict[str, Any] = super().clean() or {}
        if "windows" in given:
            try:
                self.instance.send_windows = parse_windows(given["windows"])
            except InvalidInput as error:
                self.add_error("windows", str(error))
        if set(AUDIENCE_FIELDS) <= set(given):
            kept = {
                name: value
                for name, value in self.instance.audience.items()
                if f"audience_{name}" not in AUDIENCE_FIELDS
            }
            self.instance.audience = kept | _audience(given)
        return given


def _audience(given: dict[str, Any]) -> dict[str, Any]:
    audience: dict[str, Any] = {}
    for field in AUDIENCE_FIELDS:
        name, value = field.removeprefix("audience_"), given[field]
        if name in _SEVERAL:
            value = [part.strip() for part in value.split(",") if part.strip()]
        if value not in ("", None, []):
            audience[name] = value
    return audience
