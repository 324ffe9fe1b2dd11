"""Review a template against what is here: its files, its account, its audience."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Q, QuerySet

from campaigns.composing import Preview, preview, source_of
from campaigns.linting import Draft, Finding, Level, NamedFile, Sample, lint
from campaigns.models import Account, Campaign, Template
from campaigns.rotation import accounts_of
from campaigns.templating import used_fields
from demos.models import DemoSite
from fliptech_site.errors import InvalidInput
from leads.models import Lead

_AUDIT = "lead.audit."
#: What a key of an audit holds that found nothing.
_NOTHING: tuple[object, ...] = (None, "", [])


def review(template: Template, campaign: Campaign | None = None) -> list[Finding]:
    """Give everything that is wrong with a template, the worst first.

    Judged for `campaign`, or for the first one that uses it; without one, for no account
    and for all leads that qualify.
    """
    campaign = campaign or campaign_of(template)
    leads = audience_of(campaign)
    counted: dict[str, Any] = {
        "blank": blank_counts(template, leads),
        "audience": leads.count(),
    }
    return lint(replace(_draft(template, campaign), **counted))


def check_sendable(template: Template, campaign: Campaign) -> None:
    """Raise InvalidInput when every mail of the template would fail or break a law."""
    for finding in lint(_draft(template, campaign)):
        if finding.level is Level.ERROR:
            raise InvalidInput(finding.sentence)


def warnings_of(campaign: Campaign) -> list[str]:
    """Give what may be wrong with the mails of a campaign, in sentences."""
    return [
        f"{step.template}: {finding.sentence}"
        for step in campaign.steps.select_related("template")
        for finding in review(step.template, campaign)
        if finding.level is Level.WARNING
    ]


def campaign_of(template: Template) -> Campaign | None:
    """Give the first campaign that uses a template."""
    used = Campaign.objects.filter(steps__template=template)
    return used.select_related("account").order_by("pk").first()


def audience_of(campaign: Campaign | None) -> QuerySet[Lead]:
    """Give the leads that could be written to."""
    leads = Lead.objects.active().exclude(email="")
    if campaign is None:
        return leads & Lead.objects.qualifying()
    return leads.filter(score__gte=campaign.threshold)


def best_lead() -> Lead | None:
    """Give the lead that a preview takes when nobody chose one."""
    live = DemoSite.objects.live().values("lead_id")
    return Lead.objects.active().filter(pk__in=live).order_by("-score", "id").first()


def blank_counts(template: Template, leads: QuerySet[Lead]) -> dict[str, int]:
    """Count for each field of the template the leads that have nothing there."""
    try:
        used = sorted(used_fields(source_of(template)))
    except InvalidInput:
        return {}
    paths = [path for path in used if path.startswith("lead.")]
    counted = leads.aggregate(
        **{f"n{n}": Count("pk", filter=_is_blank(path)) for n, path in enumerate(paths)}
    )
    return {path: counted[f"n{n}"] for n, path in enumerate(paths)}


def _is_blank(path: str) -> Q:
    if not path.startswith(_AUDIT):
        column = path.removeprefix("lead.")
        is_missing = Q(**{f"{column}__isnull": True})
        return is_missing if column == "score" else is_missing | Q(**{column: ""})
    key = path.removeprefix(_AUDIT)
    nothing = [Q(**{f"audit__{key}": value}) for value in _NOTHING]
    return reduce(or_, nothing, ~Q(audit__has_key=key))


def _draft(template: Template, campaign: Campaign | None) -> Draft:
    account = accounts_of(campaign)[0] if campaign else None
    sample, problem = None, ""
    # A lead of its own kind must not stop all others: then the examples are judged.
    for lead in dict.fromkeys((best_lead(), None)):
        try:
            made = preview(template, account, lead, campaign)
        except InvalidInput as error:
            problem = problem or f"{lead.name}: {error}" if lead else str(error)
        else:
            sample = sample_of(made, account)
            break
    return Draft(
        source=source_of(template),
        sample=sample,
        problem=problem,
        files=tuple(
            NamedFile(file.name, bytes(file.content), file.is_inline)
            for file in template.files.all()
        ),
    )


def sample_of(made: Preview, account: Account | None) -> Sample:
    """Give what the linter looks at in a mail."""
    letter = made.letter
    return Sample(
        subject=letter.subject,
        html=letter.html,
        text=letter.text,
        size_bytes=len(letter.html.encode()),
        postal_address=account.postal_address if account else "(the account's)",
        unsubscribe_url=letter.unsubscribe_url,
    )
