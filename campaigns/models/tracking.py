"""What came back from a mail: openings, clicks, unsubscribing."""

from __future__ import annotations

from django.db import models

from campaigns.models.email import Email


class TrackingEvent(models.Model):
    """One request that a mail's pixel, link or unsubscribe page answered."""

    class Kind(models.TextChoices):
        """What was asked for."""

        OPEN = "open", "opened"
        CLICK = "click", "clicked"
        UNSUBSCRIBE = "unsubscribe", "unsubscribed"

    email = models.ForeignKey(Email, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    #: Where a click led to.
    url = models.CharField(max_length=2000, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["open", "click", "unsubscribe"]),
                name="campaigns_trackingevent_kind_valid",
            ),
        ]
        indexes = [
            # The events of a mail, and how many of a kind it has.
            models.Index(fields=["email", "kind"], name="campaigns_tracking_email_idx"),
            # The figures of a day.
            models.Index(fields=["created_at"], name="campaigns_tracking_day_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of e-mail {self.email_id}"
