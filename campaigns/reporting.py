"""What a campaign has brought: a funnel, and figures by step, account and so on.

Everything comes from the counts that are kept, so it costs the same for ten mails and
for a million.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from campaigns.counting import Counted, counted, counted_by_domain
from campaigns.models import Account, Campaign, Step, Variant
from campaigns.models.counts import LEAD, What
from campaigns.states import OPEN, EmailState, SkipReason

#: The steps of the funnel: what leads did, in the order in which they do it.
_FUNNEL = (
    ("considered", "leads considered"),
    ("included", "written to"),
    ("mailed", "mailed"),
    (What.OPENED.value, "opened"),
    (What.CLICKED.value, "clicked"),
    (What.DEMO_VIEWED.value, "demo viewed"),
    (What.REPLIED.value, "replied"),
)


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many leads came so far, and which share that is of the first step's."""

    name: str
    label: str
    leads: int
    percent: float
    #: Of the step before; None for the first.
    percent_of_before: float | None


@dataclass(slots=True)
class Line:
    """The figures of one step, variant, account, provider or domain."""

    label: str
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def gone(self) -> int:
        """Mails that reached their recipients, or may have."""
        return self.counts[EmailState.SENT] + self.counts[EmailState.IN_DOUBT]

    @property
    def open(self) -> int:
        """Mails that are still to be sent."""
        return sum(self.counts[state] for state in OPEN)

    def percent(self, what: str) -> float | None:
        """Give the share of the mails that went to which this happened."""
        return 100 * self.counts[what] / self.gone if self.gone else None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one campaign as of this moment."""

    total: Line
    leads: dict[str, int]
    skipped: dict[str, int]
    funnel: list[FunnelStep]
    steps: list[Line]
    variants: list[Line]
    accounts: list[Line]
    providers: list[Line]
    domains: list[Line]
    #: Open mails by account, for the forecast.
    open_by_account: dict[int, int]

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "mails": {what: n for what, n in sorted(self.total.counts.items()) if n},
            "skipped": self.skipped,
            "funnel": {each.name: each.leads for each in self.funnel},
            **{
                name: {
                    line.label: {
                        what: n for what, n in sorted(line.counts.items()) if n
                    }
                    for line in lines
                }
                for name, lines in (
                    ("steps", self.steps),
                    ("variants", self.variants),
                    ("accounts", self.accounts),
                    ("providers", self.providers),
                    ("domains", self.domains),
                )
            },
        }


def report_on(campaign: Campaign) -> Report:
    """Give the figures of a campaign."""
    rows = counted([campaign.pk])
    mails = [row for row in rows if not row.what.startswith(LEAD)]
    leads: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.what.startswith(LEAD):
            leads[row.what.removeprefix(LEAD)] += row.n
    accounts = {
        account.pk: account
        for account in Account.objects.filter(
            pk__in={row.account_id for row in mails if row.account_id}
        )
    }
    steps = _step_names(campaign)
    variants = {
        variant.pk: f"{variant.step}. {variant.label}"
        for variant in Variant.objects.filter(campaign=campaign)
    }
    return Report(
        total=(_lines(mails, lambda row: "all") or [Line("all")])[0],
        leads=leads,
        skipped={
            SkipReason(reason).label: n
            for reason, n in sorted(leads.items(), key=lambda item: -item[1])
            if reason in SkipReason.values and n
        },
        funnel=_funnel(leads, mails),
        steps=_lines(mails, lambda row: steps.get(row.step, f"step {row.step}")),
        variants=_lines(
            [row for row in mails if row.variant_id is not None],
            lambda row: variants.get(row.variant_id or 0, "gone"),
        ),
        accounts=_lines(
            mails, lambda row: str(accounts.get(row.account_id or 0, "gone"))
        ),
        providers=_lines(
            mails, lambda row: _provider(accounts.get(row.account_id or 0))
        ),
        domains=[
            Line(domain, defaultdict(int, counts))
            for domain, counts in counted_by_domain(campaign.pk).items()
        ],
        open_by_account=_open_by_account(mails),
    )


def _step_names(campaign: Campaign) -> dict[int, str]:
    steps = Step.objects.filter(campaign=campaign).select_related("template")
    return {step.number: f"{step.number}. {step.template.name}" for step in steps}


def _provider(account: Account | None) -> str:
    if account is None:
        return "gone"
    if account.kind == Account.Kind.SMTP:
        return account.smtp_host
    return account.get_kind_display()


def _lines(rows: Iterable[Counted], label_of: Callable[[Counted], str]) -> list[Line]:
    lines: dict[str, Line] = {}
    for row in sorted(rows, key=lambda row: (row.step, row.account_id or 0)):
        label = label_of(row)
        line = lines.setdefault(label, Line(label))
        line.counts[row.what] += row.n
    return list(lines.values())


def _open_by_account(rows: Iterable[Counted]) -> dict[int, int]:
    counts: dict[int, int] = defaultdict(int)
    for row in rows:
        if row.what in OPEN and row.account_id is not None and row.n > 0:
            counts[row.account_id] += row.n
    return dict(counts)


def _funnel(leads: dict[str, int], mails: Iterable[Counted]) -> list[FunnelStep]:
    numbers = dict(leads)
    numbers["considered"] = leads["included"] + sum(
        n for reason, n in leads.items() if reason in SkipReason.values
    )
    # Everybody's first mail is step 1, so this counts people and not mails.
    numbers["mailed"] = sum(
        row.n
        for row in mails
        if row.step == 1 and row.what in (EmailState.SENT, EmailState.IN_DOUBT)
    )
    first = numbers["considered"]
    funnel: list[FunnelStep] = []
    for name, label in _FUNNEL:
        count = numbers.get(name, 0)
        before = funnel[-1].leads if funnel else None
        funnel.append(
            FunnelStep(
                name,
                label,
                count,
                min(100.0, 100 * count / first) if first else 0.0,
                None if before is None else 100 * count / before if before else 0.0,
            )
        )
    return funnel
