"""Limits that many accounts and campaigns share."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

#: The name of a limit that holds for each one that has none of its own.
EACH = "*"


class SendingLimit(models.Model):
    """How much may go through one provider, to one domain or for one user."""

    class Scope(models.TextChoices):
        """Whose mails are counted together."""

        PROVIDER = "provider", "provider or mail server"
        DOMAIN = "domain", "domain of the recipient"
        USER = "user", "user who launched the campaign"

    scope = models.CharField(max_length=10, choices=Scope.choices)
    name = models.CharField(
        max_length=254,
        default=EACH,
        help_text=(
            "A provider such as amazon_ses or smtp.gmail.com, a domain such as"
            " gmail.com, or a user name; * holds for each one without a limit of its own."
        ),
    )
    per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    per_day = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="On one day of the installation's time zone.",
    )

    class Meta:
        verbose_name = "shared limit"
        ordering = ["scope", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "name"],
                name="campaigns_sendinglimit_uniq",
                violation_error_message="There is a limit for this one already.",
            ),
            models.CheckConstraint(
                condition=Q(scope__in=["provider", "domain", "user"]),
                name="campaigns_sendinglimit_scope_valid",
            ),
            models.CheckConstraint(
                condition=(Q(per_minute__gte=1) | Q(per_day__gte=1))
                & (Q(per_minute__isnull=True) | Q(per_minute__gte=1))
                & (Q(per_day__isnull=True) | Q(per_day__gte=1)),
                name="campaigns_sendinglimit_number_valid",
                violation_error_message="Write how much may go a minute, or a day.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()}: {self.name}"
