"""Split tests: who gets which variant, how each does, and which one has won."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from campaigns.models import Campaign, Email, Step, TrackingEvent, Variant
from campaigns.models.email import GONE_AT
from campaigns.split_rates import Rate, sample_needed
from campaigns.splitting import Share, Verdict, judge, pick, point_of, thompson_shares
from campaigns.states import ARRIVED, CampaignState, EmailState, SplitMetric
from demos.models import DemoView
from fliptech_site.errors import InvalidInput
from tasks.enqueueing import enqueue

#: Mails that are given another variant in one transaction.
_PIECE = 2000


class Split(NamedTuple):
    """The variants of a step and how its new mails are divided."""

    campaign_id: int
    step: int
    variants: dict[int, Variant]
    shares: Sequence[Share]

    def variant_for(self, address: str) -> Variant | None:
        """Give the variant of an address; None where the step has none."""
        chosen = pick(self.shares, point_of(self.campaign_id, self.step, address))
        return None if chosen is None else self.variants[chosen]


def split_of(campaign: Campaign, number: int) -> Split:
    """Give how new mails of a step are divided, as it stands now."""
    variants = {
        variant.pk: variant
        for variant in Variant.objects.filter(campaign=campaign, step=number)
    }
    winner_id = (
        Step.objects.filter(campaign=campaign, number=number)
        .values_list("winner", flat=True)
        .first()
    )
    if winner_id is not None:
        return Split(campaign.pk, number, variants, [Share(winner_id, 1)])
    shares = [Share(pk, variant.weight) for pk, variant in variants.items()]
    if campaign.split_adapts and len(shares) > 1:
        rates = rates_of(campaign, list(variants.values()), campaign.split_metric)
        shares = thompson_shares(shares, rates)
    return Split(campaign.pk, number, variants, shares)


def rates_of(
    campaign: Campaign, variants: Sequence[Variant], metric: str
) -> list[Rate]:
    """Give the rate of each variant, in one query.

    Only mails that everybody had time to answer count: those of the last hours would
    pull down the variant that was sent last.
    """
    before = timezone.now() - timedelta(hours=campaign.split_hours)
    mails = (
        Email.objects.filter(
            variant__in=[variant.pk for variant in variants], state__in=ARRIVED
        )
        .alias(gone_at=GONE_AT)
        .filter(gone_at__lte=before)
    )
    rows = (
        mails.order_by()
        .values("variant")
        .annotate(trials=Count("pk"), successes=Count("pk", filter=_did(metric)))
        .values_list("variant", "successes", "trials")
    )
    found = {pk: Rate(successes, trials) for pk, successes, trials in rows}
    return [found.get(variant.pk, Rate(0, 0)) for variant in variants]


def verdict_on(campaign: Campaign, variants: Sequence[Variant]) -> Verdict:
    """Say whether one of these variants of a step has won by now."""
    taking_part = [variant for variant in variants if variant.weight]
    return judge(
        [variant.label for variant in taking_part],
        rates_of(campaign, taking_part, campaign.split_metric),
        threshold=campaign.split_threshold,
        sample=campaign.split_sample or sample_needed(),
    )


def choose_winners(campaign_id: int) -> dict[str, Any]:
    """Settle the split tests of a campaign that are decided; says where each stands."""
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    if campaign is None:
        raise InvalidInput(f"There is no campaign {campaign_id}.")
    move_to_winners(campaign_id)
    said: dict[str, str] = {}
    for step in Step.objects.filter(campaign=campaign, winner__isnull=True):
        variants = list(Variant.objects.filter(campaign=campaign, step=step.number))
        if len(variants) < 2:
            continue
        verdict = verdict_on(campaign, variants)
        said[str(step.number)] = verdict.sentence
        if verdict.winner is not None:
            taking_part = [variant for variant in variants if variant.weight]
            set_winner(taking_part[verdict.winner], f"By itself: {verdict.sentence}")
    return {"campaign_id": campaign_id, "steps": said}


def set_winner(variant: Variant, reason: str) -> int:
    """Let a variant win its step: whatever is not sent yet is sent as it says.

    Returns how many waiting mails were changed. One that was tried already stays as it
    is: it may have arrived. Raises InvalidInput when the step has a winner.
    """
    changed = Step.objects.filter(
        campaign=variant.campaign_id, number=variant.step, winner__isnull=True
    ).update(winner=variant, winner_reason=reason)
    if not changed:
        raise InvalidInput(
            f"Step {variant.step} has a winner already, or is not there any more."
        )
    return move_to_winners(variant.campaign_id)


def move_to_winners(campaign_id: int) -> int:
    """Give waiting mails of the losers to the winners of their steps, in pieces.

    Goes on where a run broke off. Returns how many were changed.
    """
    moved = 0
    steps = Step.objects.filter(campaign=campaign_id, winner__isnull=False)
    for step in steps.select_related("winner"):
        assert step.winner is not None
        while count := _move_piece(step, step.winner):
            moved += count
    return moved


def enqueue_open_tests() -> int:
    """Ask a worker about each campaign whose split tests are open; returns how many."""
    open_steps = Step.objects.filter(
        Exists(
            Variant.objects.filter(
                campaign=OuterRef("campaign"), step=OuterRef("number")
            )
        ),
        campaign__state=CampaignState.RUNNING,
        campaign__split_decides=True,
        winner__isnull=True,
    )
    campaigns = list(
        open_steps.order_by().values_list("campaign", flat=True).distinct()
    )
    for campaign_id in campaigns:
        enqueue(
            "choose_campaign_winner",
            unique_key=f"campaign:{campaign_id}:winner",
            campaign_id=campaign_id,
        )
    return len(campaigns)


def _did(metric: str) -> Q:
    """Give the condition on a mail by which it counts as a success."""
    if metric == SplitMetric.REPLY:
        return Q(replied_at__isnull=False)
    if metric == SplitMetric.NO_BOUNCE:
        return Q(bounced_at__isnull=True)
    if metric == SplitMetric.CLICK:
        return Q(
            Exists(
                TrackingEvent.objects.filter(
                    email=OuterRef("pk"), kind=TrackingEvent.Kind.CLICK, is_human=True
                )
            )
        )
    return Q(
        Exists(
            DemoView.objects.filter(
                site__lead=OuterRef("lead"),
                visitor=DemoView.Visitor.PERSON,
                views__gt=0,
                last_at__gte=OuterRef("claimed_at"),
            )
        )
    )


def _move_piece(step: Step, winner: Variant) -> int:
    losers = Email.objects.filter(
        ~Q(variant=winner),
        campaign=step.campaign_id,
        step=step.number,
        variant__isnull=False,
        state=EmailState.WAITING,
        attempts=0,
    )
    with transaction.atomic():
        ids = list(
            losers.order_by("pk")
            .select_for_update(of=("self",))
            .values_list("pk", flat=True)[:_PIECE]
        )
        return Email.objects.filter(pk__in=ids).update(
            variant=winner,
            template_id=winner.template_id or step.template_id,
            account_id=_account_of(step, winner),
            updated_at=timezone.now(),
        )


def _account_of(step: Step, winner: Variant) -> Any:
    """Give the winner's account; follow-ups, and where it names none, keep their own."""
    if step.number == 1 and winner.account_id is not None:
        return winner.account_id
    return F("account_id")
