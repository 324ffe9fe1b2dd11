"""How mails in doubt were settled."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from campaigns.models.email import Email


class Evidence(models.Model):
    """What settled a mail in doubt, or what was looked for and not found."""

    class Kind(models.TextChoices):
        """Where the knowledge comes from."""

        PROVIDER = "provider", "event of the provider"
        SENT_FOLDER = "sent_folder", "folder of sent mail"
        BOUNCE = "bounce", "bounce"
        OPEN = "open", "opened by a person"
        CLICK = "click", "link clicked by a person"
        UNSUBSCRIBE = "unsubscribe", "unsubscribed"
        REPLY = "reply", "answered by a person"
        AUTO_REPLY = "auto_reply", "answered by a machine"
        COMPLAINT = "complaint", "complaint"
        #: A person decided.
        HAND = "hand", "by hand"
        #: Nobody knew anything within the grace period.
        GRACE = "grace", "no evidence in time"

    email = models.ForeignKey(Email, on_delete=models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    #: Whether it says that the mail arrived; None when it says nothing.
    arrived = models.BooleanField(null=True)
    #: One sentence; for `hand` the person's reason.
    detail = models.CharField(max_length=500)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    #: When it happened, as far as its source tells.
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "evidence"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=[
                        "provider",
                        "sent_folder",
                        "bounce",
                        "open",
                        "click",
                        "unsubscribe",
                        "reply",
                        "auto_reply",
                        "complaint",
                        "hand",
                        "grace",
                    ]
                ),
                name="campaigns_evidence_kind_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.detail}"
