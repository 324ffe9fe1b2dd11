"""What became of mails after they had left, as mail servers and providers tell it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse

from campaigns.models.account import Account
from campaigns.models.email import Email
from campaigns.sealing import Sealed


class DeliveryEvent(models.Model):
    """One thing that a server or a provider told of one mail; each is kept once."""

    class Kind(models.TextChoices):
        """What happened."""

        #: Taken by the provider or a relay; not yet in the mailbox.
        ACCEPTED = "accepted", "accepted"
        DELIVERED = "delivered", "delivered"
        #: Not yet; the server goes on trying.
        DELAYED = "delayed", "delayed"
        #: The address will never work.
        HARD = "hard", "hard bounce"
        #: Not this time: full, policy, spam, too large, or nobody knows.
        SOFT = "soft", "soft bounce"
        #: The provider did not even try.
        REFUSED = "refused", "refused by the provider"
        COMPLAINT = "complaint", "complaint"
        AUTO_REPLY = "auto_reply", "automatic answer"
        OPEN = "open", "opened"
        CLICK = "click", "clicked"
        UNSUBSCRIBE = "unsubscribe", "unsubscribed"
        OTHER = "other", "other"

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="delivery_events"
    )
    #: "mailbox", or the provider's name.
    source = models.CharField(max_length=20)
    #: The provider's own id, or one made of what makes the event; unique per account.
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    email = models.ForeignKey(
        Email,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="delivery_events",
    )
    address = models.CharField(max_length=254, blank=True)
    #: Enhanced status code such as 5.1.1.
    status = models.CharField(max_length=12, blank=True)
    reason = models.CharField(max_length=20, blank=True)
    #: What the server said, shortened.
    words = models.CharField(max_length=500, blank=True)
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "event_id"], name="campaigns_delivery_uniq"
            ),
        ]
        indexes = [
            # What failed of the last mails to an address.
            models.Index(fields=["email", "kind"], name="campaigns_delivery_email_idx"),
            # A person asks to be erased.
            models.Index(fields=["address"], name="campaigns_delivery_addr_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.address}"


class ProviderFeed(models.Model):
    """Where a provider tells what became of an account's mails, and how it proves itself."""

    class Provider(models.TextChoices):
        """Whose events are read."""

        AMAZON_SES = "amazon_ses", "Amazon SES"
        BREVO = "brevo", "Brevo"
        MAILERSEND = "mailersend", "MailerSend"
        MAILGUN = "mailgun", "Mailgun"
        MAILJET = "mailjet", "Mailjet"
        MAILTRAP = "mailtrap", "Mailtrap"
        MANDRILL = "mandrill", "Mandrill"
        POSTAL = "postal", "Postal"
        POSTMARK = "postmark", "Postmark"
        RESEND = "resend", "Resend"
        SPARKPOST = "sparkpost", "SparkPost"
        UNISENDER_GO = "unisender_go", "Unisender Go"

    class Content(models.TextChoices):
        """What comes."""

        TRACKING = "tracking", "what became of mails"
        INBOUND = "inbound", "mail that came in"

    #: Stands in the address; what proves the sender is the secret.
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="feeds")
    provider = models.CharField(max_length=20, choices=Provider.choices)
    content = models.CharField(
        max_length=10, choices=Content.choices, default=Content.TRACKING
    )
    #: Encrypted; read it through `secret`.
    secret_sealed = models.TextField(blank=True, editable=False)
    secret = Sealed("secret_sealed")
    is_enabled = models.BooleanField(default=True)
    #: Requests that were taken, and those whose signature was missing or wrong.
    taken = models.PositiveBigIntegerField(default=0, editable=False)
    refused = models.PositiveBigIntegerField(default=0, editable=False)
    taken_at = models.DateTimeField(null=True, blank=True, editable=False)
    refused_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["account", "provider", "content"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "provider", "content"], name="campaigns_feed_uniq"
            ),
            models.CheckConstraint(
                condition=Q(content__in=["tracking", "inbound"]),
                name="campaigns_feed_content_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_provider_display()}, {self.get_content_display()}"

    @property
    def path(self) -> str:
        """The path that the provider posts to."""
        return reverse("campaigns:feed", args=[self.key])
