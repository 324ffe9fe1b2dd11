"""What a campaign's page shows above its fields, and what is asked and done there.

The upper part is renewed while the campaign lives; the search and the list of mails in
doubt stay as they are, so that nothing is typed in vain.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from campaigns.admin.campaign_buttons import CampaignButtons
from campaigns.charting import chart
from campaigns.explaining import MAX_FOUND, find_recipients, say, why_unknown
from campaigns.models import Campaign, Email, Evidence
from campaigns.outlook import outlook
from campaigns.receiving.settling import settle_by_hand
from campaigns.reporting import Line, Report, report_on
from campaigns.states import CampaignState, EmailState
from fliptech_site.errors import InvalidInput

#: Mails in doubt on one page, the longest in doubt first; the list of mails has all.
_DOUBTFUL = 10
#: States in which nothing moves by itself, so that nothing has to be renewed.
_RESTING = (CampaignState.DRAFT, CampaignState.CANCELLED)
#: Columns of the tables behind "sent": what is counted and what it is called.
_COLUMNS = (
    ("opened", "opened"), ("clicked", "clicked"), ("demo_viewed", "demo viewed"),
    ("replied", "replied"), ("bounced", "bounced"), ("complained", "complained"),
)  # fmt: skip
_CHARTS = (("hour", "by hour"), ("day", "by day"))
#: Pieces of the bar, in order: state, colour.
_BAR = (
    ("sent", "#16a34a"), ("in_doubt", "#d97706"), ("failed", "#dc2626"),
    ("sending", "#2563eb"), ("deferred", "#f59e0b"), ("waiting", "#9ca3af66"),
)  # fmt: skip


class CampaignPage(CampaignButtons):
    """The page of one campaign."""

    change_form_outer_before_template = "campaigns/admin/campaign.html"

    def get_urls(self) -> list[URLPattern]:
        """Add what the page asks and posts."""
        wrap = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/live/",
                wrap(require_safe(self.live)),
                name="campaigns_campaign_live",
            ),
            path(
                "<int:pk>/why/",
                wrap(require_safe(self.why)),
                name="campaigns_campaign_why",
            ),
            path(
                "<int:pk>/settle/<int:email_id>/",
                wrap(require_POST(self.settle)),
                name="campaigns_campaign_settle",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the figures above the form."""
        campaign = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if campaign is not None and self.has_view_permission(request, campaign):
            more = _live(request, campaign) | _doubtful(request, campaign)
        page: HttpResponse = super().change_view(
            request, object_id, form_url, (extra_context or {}) | more
        )
        return page

    def live(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with the part that is renewed."""
        campaign = self._campaign(request, pk)
        return render(
            request, "campaigns/admin/campaign_live.html", _live(request, campaign)
        )

    def why(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say of some recipients why their mail has not been sent."""
        campaign = self._campaign(request, pk)
        asked = request.GET.get("who", "")[:200]
        context: dict[str, Any] = {"campaign": campaign, "asked": asked}
        try:
            found = find_recipients(campaign, asked)
            context |= {"found": say(found), "is_cut": len(found) >= MAX_FOUND}
            if not found:
                context["sentence"] = why_unknown(campaign, asked)
        except InvalidInput as error:
            context["sentence"] = str(error)
        return render(request, "campaigns/admin/campaign_why.html", context)

    def settle(self, request: HttpRequest, pk: int, email_id: int) -> HttpResponse:
        """Settle a mail in doubt on a person's word."""
        campaign = self._campaign(request, pk)
        if not request.user.has_perm("campaigns.change_email"):
            return HttpResponse("You may not settle mails.", status=403)
        if not Email.objects.filter(pk=email_id, campaign=campaign).exists():
            raise Http404
        try:
            settle_by_hand(
                email_id,
                arrived=request.POST.get("fate") == "arrived",
                reason=request.POST.get("reason", ""),
                user=request.user,  # type: ignore[arg-type]
            )
        except InvalidInput as error:
            messages.warning(request, str(error))
        else:
            messages.success(request, "Settled.")
        return HttpResponseRedirect(
            reverse("admin:campaigns_campaign_change", args=[pk]) + "#in-doubt"
        )

    def _campaign(self, request: HttpRequest, pk: int) -> Campaign:
        campaign: Campaign | None = self.get_object(request, str(pk))
        if campaign is None or not self.has_view_permission(request, campaign):
            raise Http404
        return campaign


def _live(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    report = report_on(campaign)
    by = request.GET.get("by", "hour")
    return {
        "campaign": campaign,
        "report": report,
        "outlook": outlook(campaign, report.open_by_account),
        "chart": chart(campaign.pk, by, timezone.now()),
        "bar": _bar(report.total),
        "tables": _tables(report),
        "columns": [label for _, label in _COLUMNS],
        "charts": _CHARTS,
        "is_resting": campaign.state in _RESTING,
    }


def _bar(total: Line) -> dict[str, Any]:
    counts = {state: total.counts[state] for state, _ in _BAR}
    whole = sum(counts.values())
    return {
        "whole": whole,
        "done": whole - total.open,
        "percent": round(100 * (whole - total.open) / whole) if whole else 0,
        "parts": [
            {
                "label": EmailState(state).label,
                "count": counts[state],
                "percent": f"{100 * counts[state] / whole:.2f}",
                "colour": colour,
            }
            for state, colour in _BAR
            if counts[state] > 0
        ],
    }


def _tables(report: Report) -> list[dict[str, Any]]:
    groups = {
        "Step": report.steps,
        "Variant": report.variants,
        "Account": report.accounts,
        "Sent through": report.providers,
        "Recipient's domain": report.domains,
    }
    return [
        {
            "title": title,
            # A domain is counted once a mail has gone there.
            "knows_open": lines is not report.domains,
            "rows": [
                {
                    "label": line.label,
                    "open": line.open,
                    "gone": line.gone,
                    "failed": line.counts[EmailState.FAILED],
                    "cells": [
                        {"count": line.counts[what], "percent": line.percent(what)}
                        for what, _ in _COLUMNS
                    ],
                }
                for line in lines
            ],
        }
        for title, lines in groups.items()
        if lines
    ]


def _doubtful(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    emails = list(
        Email.objects.filter(campaign=campaign, state=EmailState.IN_DOUBT)
        .select_related("lead", "account")
        .prefetch_related(
            Prefetch("evidence", Evidence.objects.order_by("happened_at"))
        )
        .order_by("pk")[: _DOUBTFUL + 1]
    )
    return {
        "doubtful": emails[:_DOUBTFUL],
        "has_more_doubtful": len(emails) > _DOUBTFUL,
        "may_settle": request.user.has_perm("campaigns.change_email"),
    }
