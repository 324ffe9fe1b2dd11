"""The daily report: the row that exists before the mail does."""

from __future__ import annotations

from django.db import models


class DailyReport(models.Model):
    """One day's report to one address; it is sent once, or it is unknown whether it was."""

    #: The day that it tells of (UTC).
    day = models.DateField()
    address = models.EmailField()
    #: Set while an attempt is under way; its fence, too.
    claimed_at = models.DateTimeField(null=True, blank=True)
    #: Committed right before DATA: from then on it is never sent again by itself.
    data_started_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    #: One sentence: what the server said, or what is wrong.
    detail = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-day", "address"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "address"], name="campaigns_dailyreport_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} to {self.address}"
