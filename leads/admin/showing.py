"""How this room's facts look in admin: badges, bars and links."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from leads.models import Lead
from leads.models.files import FileState
from leads.outcomes import Outcome

#: Colours of unfold's labels; the empty key is what has no outcome yet.
OUTCOME_COLOURS = {
    Outcome.OK.value: "success",
    Outcome.EMPTY.value: "info",
    Outcome.PARTIAL.value: "warning",
    Outcome.BLOCKED.value: "danger",
    Outcome.DENIED_BY_ROBOTS.value: "warning",
    Outcome.RATE_LIMITED.value: "warning",
    Outcome.MARKUP_CHANGED.value: "danger",
    Outcome.ERROR.value: "danger",
    "running": "info",
    "waiting": "info",
    "under way": "info",
}

#: The same for the states of imports and exports.
FILE_COLOURS = {
    FileState.UPLOADED.value: "info",
    FileState.RUNNING.value: "info",
    FileState.FINISHED.value: "success",
    FileState.FAILED.value: "danger",
}


class ReadOnlyAdmin(ModelAdmin):
    """Rows that machines write and people read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: these rows record what happened."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: what happened can't be edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: old rows go with the nightly clearing."""
        return False


def outside_link(url: str) -> SafeString | str:
    """Link to a stranger's page without telling it where the reader comes from."""
    if urlsplit(url).scheme not in ("http", "https"):
        return url or "–"
    return format_html(
        '<a href="{}" rel="noreferrer noopener nofollow" target="_blank">{}</a>',
        url,
        url.removeprefix("https://").removeprefix("http://").rstrip("/")[:60],
    )


def lead_link(lead: Lead | None) -> SafeString | str:
    """Link to a lead's page in admin."""
    if lead is None:
        return "–"
    path = reverse(f"{admin.site.name}:leads_lead_change", args=[lead.pk])
    return format_html('<a href="{}">{}</a>', path, lead.name)


def score_bar(lead: Lead) -> SafeString | str:
    """Show a score as a number with a bar; green means worth writing to."""
    if lead.score is None:
        return "–"
    colour = "#16a34a" if lead.qualifies else "#9ca3af"
    return format_html(
        '<span style="display:inline-flex;align-items:center;gap:8px" title="{} of 100">'
        '<b style="min-width:2em;text-align:right">{}</b>'
        '<span style="width:72px;height:6px;border-radius:3px;background:#9ca3af33">'
        '<span style="display:block;height:6px;border-radius:3px;width:{}%;'
        'background:{}"></span></span></span>',
        lead.score,
        lead.score,
        lead.score,
        colour,
    )


def reason_list(lead: Lead) -> SafeString | str:
    """Show each reason of a score with its points."""
    if not lead.score_reasons:
        return "It has not been scored yet."
    rows = ((f"+{each['points']}", each["reason"]) for each in lead.score_reasons)
    return format_html(
        '<table><tbody style="line-height:1.7">{}</tbody></table>',
        format_html_join(
            "",
            '<tr><td style="text-align:right;padding-right:12px;font-weight:600">{}</td>'
            "<td>{}</td></tr>",
            rows,
        ),
    )


def audit_table(lead: Lead) -> SafeString | str:
    """Show what the last visit of the website found."""
    if not lead.audit:
        return "Its website has not been visited."
    rows = (
        (key.replace("_", " ").removeprefix("is ").removeprefix("has "), _plain(value))
        for key, value in lead.audit.items()
        if value not in ("", None, [])
    )
    return format_html(
        '<table><tbody style="line-height:1.6">{}</tbody></table>',
        format_html_join(
            "",
            '<tr><td style="padding-right:16px;opacity:.85">{}</td><td>{}</td></tr>',
            rows,
        ),
    )


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return str(value)
