"""What the local mail sink received."""

from __future__ import annotations

from django.db import models


class SinkMessage(models.Model):
    """One mail that arrived at the local sink, as it came over the wire."""

    envelope_from = models.CharField(max_length=320, blank=True)
    #: The address of RCPT TO; a mail to several makes one row for each.
    to = models.CharField(max_length=320)
    from_header = models.CharField("from", max_length=500, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    message_id = models.CharField(max_length=300, blank=True)
    raw = models.BinaryField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "message"
        verbose_name_plural = "inbox (test mail)"
        ordering = ["-received_at"]
        indexes = [
            # The inbox, newest first.
            models.Index(fields=["-received_at"], name="campaigns_sink_received_idx"),
            # "Did this mail arrive, and how often?"
            models.Index(fields=["message_id"], name="campaigns_sink_message_idx"),
        ]

    def __str__(self) -> str:
        return self.subject or "(no subject)"
