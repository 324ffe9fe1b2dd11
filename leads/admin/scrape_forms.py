"""The forms in admin that start a scrape."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from fliptech_site.errors import FlipTechError
from leads.checking_scrapes import check_scrape
from leads.consents import require_consent
from leads.sources import find_source
from leads.sources.craigslist_places import CATEGORIES
from leads.sources.job_boards import BOARDS


class ScrapeForm(BaseDialogForm):
    """What to gather from Craigslist."""

    location = forms.CharField(
        initial="sfbay",
        max_length=60,
        help_text="Craigslist's word for the area: sfbay, newyork, chicago …",
        widget=UnfoldAdminTextInputWidget,
    )
    category = forms.ChoiceField(
        choices=[(short, f"{label} ({short})") for short, label in CATEGORIES.items()],
        widget=UnfoldAdminSelectWidget,
    )
    max_results = forms.IntegerField(
        initial=100,
        min_value=1,
        max_value=360,
        label="At most",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def clean(self) -> dict[str, object]:
        """Refuse what could only become a failed task."""
        given: dict[str, object] = super().clean() or {}
        if self.errors:
            return given
        wanted = {key: given[key] for key in ("location", "category", "max_results")}
        source = find_source("craigslist")
        try:
            given.update(source.check(wanted))
            require_consent(source)
        except FlipTechError as error:
            # The dialog shows only the errors of fields.
            self.add_error("location", str(error))
        return given


class PlacesForm(BaseDialogForm):
    """What to gather from Google Maps."""

    query = forms.CharField(
        max_length=200,
        label="What",
        help_text="plumber, dentist, bakery …",
        widget=UnfoldAdminTextInputWidget,
    )
    location = forms.CharField(
        max_length=200,
        label="Where",
        help_text="A place (Austin, TX), or south,west,north,east in degrees.",
        widget=UnfoldAdminTextInputWidget,
    )
    max_results = forms.IntegerField(
        initial=60,
        min_value=1,
        max_value=2000,
        label="At most",
        help_text="Google bills the details of each new place.",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what could only become a failed task."""
        return _checked(self, "google_maps", super().clean() or {}, "query")


class BoardForm(BaseDialogForm):
    """What to gather from a job board."""

    board = forms.ChoiceField(
        choices=[(each.name, each.label) for each in BOARDS.values()],
        widget=UnfoldAdminSelectWidget,
    )
    company = forms.CharField(
        max_length=500,
        required=False,
        help_text=(
            "As the board's address names it; for a company's own page, its address;"
            " for We Work Remotely, a category. Remote OK and Hacker News need none."
        ),
        widget=UnfoldAdminTextInputWidget,
    )
    max_results = forms.IntegerField(
        initial=100,
        min_value=1,
        max_value=5000,
        label="At most",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what could only become a failed task."""
        return _checked(self, "job_boards", super().clean() or {}, "company")


def _checked(
    form: BaseDialogForm, source: str, given: dict[str, Any], blamed: str
) -> dict[str, Any]:
    if form.errors:
        return given
    # The dialog has a hidden field of its own.
    names = [name for name in form.fields if not name.startswith("_")]
    wanted = {name: given[name] for name in names}
    try:
        _, checked = check_scrape(source, wanted)
    except FlipTechError as error:
        # The dialog shows only the errors of fields.
        form.add_error(blamed, str(error))
        return given
    return given | {"checked": checked}
