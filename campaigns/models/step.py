"""What a campaign says after what: the first mail and its follow-ups."""

from __future__ import annotations

from datetime import timedelta

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from campaigns.conditions import Condition
from campaigns.models.campaign import Campaign
from campaigns.models.template import Template
from campaigns.models.variant import Variant


class Step(models.Model):
    """One mail of a campaign's sequence; the first has number 1.

    A later step is due `wait` after the step before it was sent or passed over. Its
    condition is asked then, and again right before sending; when it doesn't hold, the
    step is passed over and the next one waits from that moment.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="steps"
    )
    number = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1)]
    )
    template = models.ForeignKey(
        Template, on_delete=models.PROTECT, related_name="steps"
    )
    wait_days = models.PositiveSmallIntegerField(
        default=0, help_text="After the step before was sent."
    )
    wait_hours = models.PositiveSmallIntegerField(default=0)
    condition = models.CharField(
        max_length=20,
        choices=Condition.choices,
        default=Condition.NO_REPLY,
        help_text="A reply, a bounce or a refusal always ends the sequence.",
    )
    in_thread = models.BooleanField(
        "same thread",
        default=True,
        help_text="Answers the mail before as 'Re: …'; else its own subject stands.",
    )

    #: The variant that won its split test; all mails not sent yet are of it.
    winner = models.ForeignKey(
        Variant,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    #: Who or what decided that, in one sentence.
    winner_reason = models.TextField(blank=True, editable=False)

    class Meta:
        ordering = ["campaign", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "number"],
                name="campaigns_step_uniq",
                violation_error_message="Each step of a campaign has its own number.",
            ),
            models.CheckConstraint(
                condition=Q(condition__in=Condition.values),
                name="campaigns_step_condition_valid",
            ),
            models.CheckConstraint(
                condition=Q(number__gt=1)
                | Q(number=1, wait_days=0, wait_hours=0, condition="no_reply"),
                name="campaigns_step_first_valid",
                violation_error_message=(
                    "The first mail waits for nothing and has no condition."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"Step {self.number} of {self.campaign}"

    @property
    def wait(self) -> timedelta:
        """How long after the step before this one is due."""
        return timedelta(days=self.wait_days, hours=self.wait_hours)
