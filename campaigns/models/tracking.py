"""What came back from a mail: openings, clicks, unsubscribing."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from campaigns.models.email import Email


class TrackingEvent(models.Model):
    """That a mail's pixel, a link or its unsubscribe page was asked for, and by whom.

    One row for all that people asked and one for all that machines did: a scanner that
    asks ten thousand times fills no table.
    """

    class Kind(models.TextChoices):
        """What was asked for."""

        OPEN = "open", "opened"
        CLICK = "click", "clicked"
        UNSUBSCRIBE = "unsubscribe", "unsubscribed"
        #: The hidden link, which no person sees.
        TRAP = "trap", "followed the hidden link"

    email = models.ForeignKey(Email, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    #: Where a click led to.
    url = models.CharField(max_length=2000, blank=True)
    #: What tells one link from another: 32 digits of the SHA-256 of `url`, or "".
    target = models.CharField(max_length=32, blank=True)
    #: Only what people did counts in figures and conditions.
    is_human = models.BooleanField(default=True)
    #: Why it was taken for that, in a few words.
    reason = models.CharField(max_length=100, blank=True)
    #: Of the first request.
    user_agent = models.CharField(max_length=300, blank=True)
    #: The client's network, 24 bits of IPv4 or 48 of IPv6; no person's address is kept.
    network = models.CharField(max_length=43, blank=True)
    #: Requests, counted up to `campaigns.tracking.MAX_HITS`.
    hits = models.PositiveIntegerField(default=1)
    #: The first request, and the latest that was counted.
    created_at = models.DateTimeField(auto_now_add=True)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["email", "kind", "target", "is_human"],
                name="campaigns_trackingevent_uniq",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["open", "click", "unsubscribe", "trap"]),
                name="campaigns_trackingevent_kind_valid",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="trap", is_human=True),
                name="campaigns_trackingevent_trap_valid",
            ),
        ]
        indexes = [
            # The figures of a day.
            models.Index(fields=["created_at"], name="campaigns_tracking_day_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of e-mail {self.email_id}"
