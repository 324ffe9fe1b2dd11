"""Split tests in admin: the variants of a campaign, and how sure their rates are."""

from __future__ import annotations

from itertools import groupby

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from campaigns.admin.lines import LabelledLines
from campaigns.models import Campaign, Step, Variant
from campaigns.split_rates import Rate, interval_of, probabilities_best
from campaigns.split_tests import rates_of, verdict_on
from campaigns.states import SplitMetric

#: Width of the picture of an interval, in its own units.
_WIDTH = 240


class VariantInline(LabelledLines):
    """Other ways of sending a step, to find out which works better."""

    model = Variant
    fields = (
        "step", "label", "weight", "subject", "template", "account", "send_hour",
    )  # fmt: skip
    extra = 0

    def has_change_permission(
        self, request: HttpRequest, obj: Campaign | None = None
    ) -> bool:
        """Whoever may change the campaign may change its variants."""
        return request.user.has_perm("campaigns.change_campaign")

    has_add_permission = has_change_permission
    has_delete_permission = has_change_permission


def split_panel(campaign: Campaign) -> SafeString | str:
    """Show each variant's mails, its rate with its 95 % interval, and its chances."""
    variants = list(Variant.objects.filter(campaign=campaign.pk).order_by("step", "pk"))
    found = Step.objects.filter(campaign=campaign.pk).select_related("winner")
    steps = {step.number: step for step in found}
    parts = [
        _step_table(campaign, steps.get(number), list(group))
        for number, group in groupby(variants, key=lambda variant: variant.step)
    ]
    if not parts:
        return "Give a step two or more variants, and each does its share here."
    return format_html_join("", "{}", ((part,) for part in parts))


def _step_table(
    campaign: Campaign, step: Step | None, variants: list[Variant]
) -> SafeString:
    rates = rates_of(campaign, variants, campaign.split_metric)
    chances = probabilities_best(rates)
    highest = max(max(interval_of(rate).high for rate in rates), 0.01)
    rows = format_html_join(
        "",
        '<tr><td style="padding:6px 16px 6px 0"><b>{}</b></td>'
        '<td style="padding-right:16px;white-space:nowrap">{} of {}</td>'
        '<td style="padding-right:16px">{}</td>'
        '<td style="padding-right:16px;white-space:nowrap">{}</td>'
        '<td style="text-align:right">{}</td></tr>',
        (
            (
                variant.label, rate.successes, rate.trials, _bar(rate, highest),
                _said(rate), f"{chance:.0%}",
            )
            for variant, rate, chance in zip(variants, rates, chances, strict=True)
        ),
    )  # fmt: skip
    metric = SplitMetric(campaign.split_metric).label
    return format_html(
        # On a telephone the table scrolls, not the page.
        '<div style="margin-bottom:24px;overflow-x:auto;max-width:calc(100vw - 80px)">'
        "<b>Step {}</b><br>"
        '<table style="border-collapse:collapse;margin:8px 0"><thead>'
        '<tr style="text-align:left;opacity:.85"><th style="padding-right:16px">Variant</th>'
        '<th style="padding-right:16px">{}</th><th></th>'
        '<th style="padding-right:16px">95 % between</th>'
        "<th>Best with</th></tr></thead><tbody>{}</tbody></table>{}"
        '<div style="margin-top:6px;opacity:.85">Best with: how probable it is, by these'
        " counts, that its true rate is the highest. Looking often and stopping at the"
        " first high number misleads.</div></div>",
        variants[0].step,
        metric[0].upper() + metric[1:],
        rows,
        _standing(campaign, step, variants),
    )


def _standing(
    campaign: Campaign, step: Step | None, variants: list[Variant]
) -> SafeString | str:
    if step is None:
        return "The campaign has no such step: correct the number."
    if step.winner is not None:
        return format_html(
            "<b>{} has won.</b> {}", step.winner.label, step.winner_reason
        )
    said = verdict_on(campaign, variants).sentence
    if campaign.split_adapts:
        said += " New mails are divided by what stands under Best with."
    return said


def _said(rate: Rate) -> str:
    low, high = interval_of(rate)
    return f"{low:.1%} – {high:.1%}"


def _bar(rate: Rate, highest: float) -> SafeString:
    """Draw the interval as a bar and the observed rate as a mark, all on one scale."""
    low, high = (_WIDTH * edge / highest for edge in interval_of(rate))
    return format_html(
        '<svg width="{width}" height="16" role="img" aria-label="{label}"'
        ' viewBox="0 0 {width} 16" style="min-width:120px;max-width:100%">'
        '<rect x="0" y="7" width="{width}" height="2" rx="1" fill="#9ca3af44"/>'
        '<rect x="{low}" y="4" width="{length}" height="8" rx="4" fill="#60a5fa"/>'
        '<rect x="{mark}" y="1" width="3" height="14" rx="1" fill="#1d4ed8"/></svg>',
        width=_WIDTH,
        label=f"{rate.share:.1%}, {_said(rate)}",
        low=f"{low:.1f}",
        length=f"{max(high - low, 2):.1f}",
        mark=f"{min(_WIDTH * rate.share / highest, _WIDTH - 3):.1f}",
    )
