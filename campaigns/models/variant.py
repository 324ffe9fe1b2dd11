"""What is said differently to some, to find out what works better."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from campaigns.models.account import Account
from campaigns.models.campaign import Campaign
from campaigns.models.template import Template


class Variant(models.Model):
    """One way of sending a step; what it leaves blank is as the step has it."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="variants"
    )
    #: The number of the step.
    step = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1)]
    )
    label = models.CharField(max_length=20, help_text="A, B, short, long …")
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MaxValueValidator(1000)],
        help_text=(
            "Its share of mails not written yet; 0 takes it out. Whoever has a mail"
            " keeps its variant."
        ),
    )
    subject = models.CharField(
        max_length=300, blank=True, help_text="In place of the template's; Liquid."
    )
    template = models.ForeignKey(
        Template,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="variants",
    )
    account = models.ForeignKey(
        Account,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="variants",
        help_text="Of a first mail; follow-ups keep the account that wrote first.",
    )
    send_hour = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(23)],
        help_text="From this hour on, by the recipient's clock.",
    )

    class Meta:
        ordering = ["campaign", "step", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "step", "label"],
                name="campaigns_variant_uniq",
                violation_error_message="Each variant of a step has its own label.",
            ),
            models.CheckConstraint(
                condition=Q(step__gte=1, weight__lte=1000)
                & (Q(send_hour__isnull=True) | Q(send_hour__lte=23)),
                name="campaigns_variant_valid",
                violation_error_message="Weights end at 1000, hours at 23.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} of step {self.step}"
