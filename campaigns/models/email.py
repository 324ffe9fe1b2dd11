"""One message to one recipient: the row that exists before the mail does."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from campaigns.models.account import Account
from campaigns.models.campaign import Campaign, Recipient
from campaigns.models.template import Template
from campaigns.models.variant import Variant
from campaigns.states import ARRIVED, OPEN, EmailState, SkipReason

#: From when on the next step waits: when the mail went, maybe went, or was passed over.
GONE_AT = Coalesce("sent_at", "data_started_at", "due_at")
#: Mails that the next step of their campaign follows when its time has come.
TO_BE_FOLLOWED = Q(is_followed=False) & (
    Q(state__in=ARRIVED) | Q(state="skipped", reason="condition")
)


class Email(models.Model):
    """One message to one recipient, and everything that happened to it.

    The law of one: whatever runs twice or at the same time, a campaign's step has one
    row per address, and one row has at most one attempt whose fate is unknown.
    """

    class Kind(models.TextChoices):
        """What asked for the mail."""

        CAMPAIGN = "campaign", "campaign"
        #: Written by a person to one lead.
        SINGLE = "single", "single"
        #: To oneself; counts nowhere.
        TEST = "test", "test"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.CAMPAIGN)
    # Each index costs a launch one write per mail, and each attempt three more: its
    # states stand in several, so no update is spared. The law of one begins with it.
    campaign = models.ForeignKey(
        Campaign,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="emails",
        db_index=False,
    )
    recipient = models.ForeignKey(
        Recipient,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="emails",
    )
    step = models.PositiveSmallIntegerField(default=1)
    lead = models.ForeignKey(
        "leads.Lead",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="emails",
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="emails"
    )
    #: None for an answer that a person wrote (`WrittenAnswer`).
    template = models.ForeignKey(
        Template,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="emails",
        db_index=False,
    )
    #: Which variant of its step it is, decided when the row was written.
    variant = models.ForeignKey(
        Variant,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="emails",
        db_index=False,
    )
    #: As `leads.suppression.normalise_address` gives it.
    address = models.CharField(max_length=254)
    #: What asked for a test or single mail, so that asking twice makes one row.
    request_key = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 - unique

    state = models.CharField(
        max_length=10, choices=EmailState.choices, default=EmailState.WAITING
    )
    #: Why it was skipped; blank in every other state.
    reason = models.CharField(max_length=20, choices=SkipReason.choices, blank=True)
    #: One sentence about the state: the server's answer, what is wrong, what to do.
    detail = models.TextField(blank=True)
    #: Not to be sent before.
    due_at = models.DateTimeField(null=True, blank=True)
    #: Whether the step after this one was planned, or never will be.
    is_followed = models.BooleanField(default=False)
    #: Set by the first claim and kept, so that every attempt carries the same one.
    message_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - unique
    #: What a provider calls the mail in its events; blank for SMTP.
    provider_id = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=400, blank=True)
    #: What its template's words were, as `composing.hash_of` has it; None before it began.
    words_hash = models.BigIntegerField(null=True, blank=True, editable=False)
    #: SMTP attempts begun; also the fencing number of the present one.
    attempts = models.PositiveSmallIntegerField(default=0)
    #: The task that is to send it, or sent it.
    task_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    #: Committed right before DATA: from then on the fate of the attempt may be unknown.
    data_started_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    #: When a person's first answer came in.
    replied_at = models.DateTimeField(null=True, blank=True)
    #: When it came back, and when the recipient called it spam; the earliest that was told.
    bounced_at = models.DateTimeField(null=True, blank=True)
    complained_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "e-mail"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "step", "address"], name="campaigns_email_uniq"
            ),
            # Of those that have one: an index keeps every NULL, too.
            models.UniqueConstraint(
                fields=["message_id"],
                condition=Q(message_id__isnull=False),
                name="campaigns_email_message_id_uniq",
            ),
            models.UniqueConstraint(
                fields=["request_key"],
                condition=Q(request_key__isnull=False),
                name="campaigns_email_request_uniq",
            ),
            models.CheckConstraint(
                condition=Q(state__in=EmailState.values),
                name="campaigns_email_state_valid",
            ),
            models.CheckConstraint(
                condition=Q(kind="campaign", campaign__isnull=False)
                | Q(kind__in=["single", "test"], campaign__isnull=True),
                name="campaigns_email_kind_valid",
                violation_error_message="A campaign's mail names its campaign.",
            ),
            models.CheckConstraint(
                condition=Q(state="skipped", reason__in=SkipReason.values)
                | ~Q(state="skipped") & Q(reason=""),
                name="campaigns_email_reason_valid",
                violation_error_message="A skipped mail, and only that, has a reason.",
            ),
            models.CheckConstraint(
                condition=Q(template__isnull=False) | Q(kind="single"),
                name="campaigns_email_template_valid",
                violation_error_message="Only what a person wrote has no template.",
            ),
            # Nothing may be on its way without the row that says so.
            models.CheckConstraint(
                condition=~Q(state__in=["sending", "sent", "in_doubt"])
                | Q(message_id__isnull=False, claimed_at__isnull=False),
                name="campaigns_email_claim_valid",
            ),
            # The step after one that was passed over waits from that moment.
            models.CheckConstraint(
                condition=~Q(reason="condition") | Q(due_at__isnull=False),
                name="campaigns_email_passed_valid",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False),
                name="campaigns_email_sent_valid",
            ),
            models.CheckConstraint(
                condition=~Q(state="in_doubt") | Q(data_started_at__isnull=False),
                name="campaigns_email_in_doubt_valid",
            ),
        ]
        indexes = [
            # The open ones of a campaign: is it finished, what is to be planned.
            models.Index(
                fields=["campaign", "id"],
                condition=Q(state__in=OPEN),
                name="campaigns_email_open_idx",
            ),
            # Which follow-ups are due; and does one still come.
            models.Index(
                "campaign",
                "step",
                GONE_AT,
                condition=TO_BE_FOLLOWED,
                name="campaigns_email_follow_idx",
            ),
            # How much of a campaign came back, or was called spam.
            models.Index(
                fields=["campaign"],
                condition=Q(bounced_at__isnull=False),
                name="campaigns_email_bounced_idx",
            ),
            models.Index(
                fields=["campaign"],
                condition=Q(complained_at__isnull=False),
                name="campaigns_email_complained_idx",
            ),
            # "Whom did we write to lately?" and the unsubscribing of an address.
            models.Index(
                fields=["address", "claimed_at"], name="campaigns_email_address_idx"
            ),
            # The sweep every 15 minutes over all campaigns.
            models.Index(
                fields=["state", "claimed_at"],
                condition=Q(state__in=OPEN),
                name="campaigns_email_sweep_idx",
            ),
            # What a person looks at, and the rare states of a campaign in lists.
            models.Index(
                fields=["campaign", "state", "id"],
                condition=Q(state__in=["in_doubt", "failed", "skipped"]),
                name="campaigns_email_look_idx",
            ),
            # Which mail is a provider's event about?
            models.Index(
                fields=["provider_id"],
                condition=~Q(provider_id=""),
                name="campaigns_email_provider_idx",
            ),
            # The figures of a day.
            models.Index(
                fields=["sent_at"],
                condition=Q(sent_at__isnull=False),
                name="campaigns_email_sent_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address} #{self.pk}"

    @property
    def is_answer(self) -> bool:
        """Whether a person wrote it in a conversation, to who wrote to us."""
        return self.kind == self.Kind.SINGLE and self.template_id is None
