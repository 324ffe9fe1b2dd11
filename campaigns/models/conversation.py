"""What people wrote to us, and the threads in which it stands."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from campaigns.models.account import Account
from campaigns.models.email import Email
from campaigns.models.mailbox import Mailbox


class Conversation(models.Model):
    """Everything between one account and one address, ours and theirs."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="conversations"
    )
    #: Whom we wrote to; they may answer from another address.
    address = models.CharField(max_length=254)
    lead = models.ForeignKey(
        "leads.Lead",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="conversations",
    )
    #: As the person gave it in the newest mail.
    name = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=400, blank=True)
    is_unread = models.BooleanField(default=True)
    #: The newest mail is a person's, and nobody has answered or closed it.
    needs_answer = models.BooleanField(default=True)
    last_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "address"], name="campaigns_conversation_uniq"
            ),
        ]
        indexes = [
            # The list, newest first, and what waits for an answer.
            models.Index(fields=["-last_at"], name="campaigns_convers_last_idx"),
            models.Index(
                fields=["-last_at"],
                condition=Q(needs_answer=True),
                name="campaigns_convers_wait_idx",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.address


class IncomingMessage(models.Model):
    """One message that came in: stored first, then read, then acted on once."""

    class Kind(models.TextChoices):
        """What it was taken for."""

        #: Not looked at yet.
        NEW = "", "not read yet"
        BOUNCE = "bounce", "bounce"
        COMPLAINT = "complaint", "complaint"
        AUTO_REPLY = "auto_reply", "automatic answer"
        REPLY = "reply", "reply"
        OTHER = "other", "other"

    mailbox = models.ForeignKey(
        Mailbox,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="messages",
    )
    #: Through whose mailbox or provider it came.
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="incoming"
    )
    folder = models.CharField(max_length=200, blank=True)
    uidvalidity = models.BigIntegerField(default=0)
    uid = models.BigIntegerField(default=0)
    #: SHA-256 of the bytes: the same message in another place is not a second one.
    digest = models.CharField(max_length=64)
    #: As it came, cut at `campaigns.incoming.mime.MAX_BYTES`; empty where we have no
    #: business to keep it.
    raw = models.BinaryField(blank=True)
    is_cut = models.BooleanField(default=False)
    received_at = models.DateTimeField()

    kind = models.CharField(
        max_length=12, choices=Kind.choices, default=Kind.NEW, blank=True
    )
    #: Why it was taken for that, in one sentence.
    reason = models.CharField(max_length=300, blank=True)
    message_id = models.CharField(max_length=998, blank=True)
    sender = models.CharField(max_length=254, blank=True)
    sender_name = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=400, blank=True)
    #: What is new in it, without quotes and signature.
    text = models.TextField(blank=True)
    email = models.ForeignKey(
        Email,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="answers",
    )
    #: How we know which of our mails it is about.
    matched_by = models.CharField(max_length=20, blank=True)
    conversation = models.ForeignKey(
        Conversation,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="messages",
    )
    #: When its effects were committed, all together.
    handled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    #: Why it could not be handled, in one sentence.
    trouble = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "incoming message"
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "folder", "uidvalidity", "uid"],
                condition=Q(mailbox__isnull=False),
                name="campaigns_incoming_place_uniq",
            ),
            models.UniqueConstraint(
                fields=["account", "digest"], name="campaigns_incoming_digest_uniq"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "",
                        "bounce",
                        "complaint",
                        "auto_reply",
                        "reply",
                        "other",
                    ]
                ),
                name="campaigns_incoming_kind_valid",
            ),
        ]
        indexes = [
            # What a crash left behind between storing and acting.
            models.Index(
                fields=["account", "id"],
                condition=Q(handled_at__isnull=True),
                name="campaigns_incoming_open_idx",
            ),
            # The list, newest first.
            models.Index(
                fields=["-received_at", "-id"], name="campaigns_incoming_list_idx"
            ),
        ]

    def __str__(self) -> str:
        return self.subject or "(no subject)"


class WrittenAnswer(models.Model):
    """What one of us wrote in a conversation; its e-mail says what became of it."""

    email = models.OneToOneField(
        Email, on_delete=models.CASCADE, related_name="written"
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="answers"
    )
    #: The message that is answered.
    message = models.ForeignKey(
        IncomingMessage, null=True, on_delete=models.SET_NULL, related_name="answers"
    )
    subject = models.CharField(max_length=400)
    text = models.TextField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.subject
