"""What a run of the main job delivered, and whether that is enough. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """The counts of one run.

    The `…_new` counts are this run's; the others also hold what earlier runs had
    delivered already, so that running again gives the same totals.
    """

    leads_found: int = 0
    leads_new: int = 0
    leads_merged: int = 0
    leads_scored: int = 0
    leads_qualified: int = 0
    demos_published: int = 0
    demos_new: int = 0
    #: Walk-through videos come with a later release.
    videos: int = 0
    emails_sent: int = 0
    emails_new: int = 0
    emails_in_doubt: int = 0
    #: Those that got no mail, by `campaigns.states.SkipReason`.
    emails_skipped: Mapping[str, int] = field(default_factory=dict)
    #: Tasks of this run by state.
    tasks: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {
            "leads_found": self.leads_found,
            "leads_new": self.leads_new,
            "leads_merged": self.leads_merged,
            "leads_scored": self.leads_scored,
            "leads_qualified": self.leads_qualified,
            "demos_published": self.demos_published,
            "demos_new": self.demos_new,
            "videos": self.videos,
            "emails_sent": self.emails_sent,
            "emails_new": self.emails_new,
            "emails_in_doubt": self.emails_in_doubt,
            "emails_skipped": dict(self.emails_skipped),
            "tasks": dict(self.tasks),
        }


class _Stage(NamedTuple):
    """How much of a stage there is; what to say and where to look when nothing is."""

    count: Callable[[Funnel], int]
    sentence: str


_STAGES = (
    _Stage(
        lambda funnel: funnel.leads_found,
        "Gathering leads delivered nothing: look at the last scrape job in admin"
        " (Find > Scrape jobs), and see that `manage.py sample serve` is running.",
    ),
    _Stage(
        lambda funnel: funnel.leads_scored,
        "Scoring leads delivered nothing: look at the tasks scrape_website and"
        " analyze_lead in admin (Run > Tasks).",
    ),
    _Stage(
        lambda funnel: funnel.demos_published,
        "Building demo sites delivered nothing: look at the tasks generate_demo_site in"
        " admin (Run > Tasks), and at the scores of the leads.",
    ),
    _Stage(
        lambda funnel: funnel.emails_sent + funnel.emails_in_doubt,
        "Sending e-mails delivered nothing: look at the campaign's recipients and their"
        " reasons in admin (Invite > Recipients), and see that `manage.py mail_sink` is"
        " running.",
    ),
)


def what_is_missing(funnel: Funnel) -> str:
    """Name the first stage that delivered nothing and where to look; "" if none."""
    return next((stage.sentence for stage in _STAGES if not stage.count(funnel)), "")


def table(funnel: Funnel) -> str:
    """Lay the funnel out for a terminal."""
    rows = [
        (
            "Leads found",
            funnel.leads_found,
            f"{funnel.leads_new} new, {funnel.leads_merged} joined with a known one",
        ),
        ("Leads scored", funnel.leads_scored, f"{funnel.leads_qualified} qualify"),
        ("Demo sites", funnel.demos_published, f"{funnel.demos_new} published now"),
        ("Videos", funnel.videos, "come with a later release"),
        (
            "E-mails sent",
            funnel.emails_sent,
            f"{funnel.emails_new} now, {funnel.emails_in_doubt} in doubt",
        ),
        ("E-mails skipped", sum(funnel.emails_skipped.values()), ""),
        *(
            ("", count, reason.replace("_", " "))
            for reason, count in funnel.emails_skipped.items()
        ),
        ("Tasks", sum(funnel.tasks.values()), _listed(funnel.tasks)),
    ]
    lines = [f"{label:<16}{count:>5}  {note}".rstrip() for label, count, note in rows]
    rule = "-" * max(len(line) for line in lines)
    return "\n".join([rule, *lines, rule])


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
