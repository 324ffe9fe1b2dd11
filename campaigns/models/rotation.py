"""Which accounts take turns in a campaign."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from campaigns.models.account import Account
from campaigns.models.campaign import Campaign


class CampaignAccount(models.Model):
    """One of several accounts that share a campaign's recipients."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="rotation"
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="rotations"
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Its share: 3 beside 1 means three of four recipients.",
    )

    class Meta:
        verbose_name = "account that takes turns"
        verbose_name_plural = "accounts that take turns"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "account"],
                name="campaigns_campaignaccount_uniq",
                violation_error_message="An account takes turns once in a campaign.",
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gte=1, weight__lte=1000),
                name="campaigns_campaignaccount_weight_valid",
                violation_error_message="A weight lies between 1 and 1000.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} in {self.campaign}"
