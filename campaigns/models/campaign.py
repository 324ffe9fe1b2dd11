"""A campaign and whom it considered."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from campaigns.models.account import Account
from campaigns.models.template import Template
from campaigns.states import (
    CampaignState,
    ConsentRule,
    SkipReason,
    SplitMetric,
    StopReason,
)
from campaigns.windows import read_windows
from fliptech_site.errors import InvalidInput


class Campaign(models.Model):
    """One message to many leads."""

    name = models.CharField(max_length=150, unique=True)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="campaigns"
    )
    min_score = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="Leads from this score on; blank takes QUALIFYING_SCORE.",
    )
    quiet_days = models.PositiveSmallIntegerField(
        default=30,
        help_text=(
            "Nobody gets a mail whom another campaign wrote to within so many days."
        ),
    )
    #: Which leads it considers; keys: `campaigns.audience.FILTERS`. Empty: all.
    audience = models.JSONField(default=dict, blank=True)
    consent_rule = models.CharField(
        "consent",
        max_length=12,
        choices=ConsentRule.choices,
        default=ConsentRule.WHERE_LAW_ASKS,
        help_text="Whose recorded consent a mail needs. This is no legal advice.",
    )
    #: When it may write to somebody; see `campaigns.windows`. Empty: at any time.
    send_windows = models.JSONField(default=list, blank=True)
    by_recipients_clock = models.BooleanField(
        "by the recipient's clock",
        default=True,
        help_text="Windows count in the recipient's time zone; else in the account's.",
    )
    split_metric = models.CharField(
        "winner by",
        max_length=10,
        choices=SplitMetric.choices,
        default=SplitMetric.REPLY,
    )
    split_threshold = models.FloatField(
        "certainty asked for",
        default=0.95,
        validators=[MinValueValidator(0.5), MaxValueValidator(0.9999)],
        help_text="The probability to be best at which a variant wins.",
    )
    split_sample = models.PositiveIntegerField(
        "mails per variant",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Before a winner is called; blank takes 764, which tells 3 % from 6 %.",
    )
    split_hours = models.PositiveSmallIntegerField(
        "hours to answer",
        default=72,
        help_text="A mail counts in a split test when it is older than this.",
    )
    split_decides = models.BooleanField("choose winners by itself", default=True)
    split_adapts = models.BooleanField(
        "favour what works",
        default=False,
        help_text="Thompson sampling: new mails go to variants as they are likely best.",
    )
    is_growing = models.BooleanField(
        "grows by itself",
        default=False,
        help_text="Takes in the leads that qualify by then once a day.",
    )
    per_day = models.PositiveIntegerField(
        "mails a day",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="On one day of the installation's time zone; blank for no limit.",
    )
    new_leads_per_day = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="First mails a day; blank for no limit.",
    )
    #: Whose limits it counts on.
    launched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    state = models.CharField(
        max_length=10, choices=CampaignState.choices, default=CampaignState.DRAFT
    )
    #: Why it is in this state, in one sentence.
    state_reason = models.TextField(blank=True)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    #: When the freezing of the audience that is under way began; its fence, too.
    freezing_since = models.DateTimeField(null=True, blank=True)
    #: When the audience was last complete.
    frozen_at = models.DateTimeField(null=True, blank=True)
    launched_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    #: When a person let it go on; guards look at what was sent since.
    resumed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=CampaignState.values),
                name="campaigns_campaign_state_valid",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="scheduled")
                | models.Q(scheduled_at__isnull=False),
                name="campaigns_campaign_scheduled_valid",
                violation_error_message="A scheduled campaign has a time.",
            ),
            models.CheckConstraint(
                condition=models.Q(min_score__isnull=True)
                | models.Q(min_score__lte=100),
                name="campaigns_campaign_min_score_valid",
                violation_error_message="A score lies between 0 and 100.",
            ),
            models.CheckConstraint(
                condition=(models.Q(per_day__isnull=True) | models.Q(per_day__gte=1))
                & (
                    models.Q(new_leads_per_day__isnull=True)
                    | models.Q(new_leads_per_day__gte=1)
                ),
                name="campaigns_campaign_per_day_valid",
                violation_error_message="A limit a day is at least 1; blank is none.",
            ),
            models.CheckConstraint(
                condition=models.Q(consent_rule__in=ConsentRule.values),
                name="campaigns_campaign_consent_valid",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    split_metric__in=SplitMetric.values,
                    split_threshold__gte=0.5,
                    split_threshold__lt=1,
                ),
                name="campaigns_campaign_split_valid",
                violation_error_message="A certainty lies between 0.5 and 0.9999.",
            ),
            # Whoever freezes can be told from a run that died long ago.
            models.CheckConstraint(
                condition=~models.Q(state="launching")
                | models.Q(freezing_since__isnull=False),
                name="campaigns_campaign_freezing_valid",
            ),
        ]
        indexes = [
            # Asked every minute: what is due, what may be finished.
            models.Index(
                fields=["state", "scheduled_at"],
                condition=models.Q(state__in=["scheduled", "running"]),
                name="campaigns_campaign_live_idx",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse an audience that no query understands, and windows that never open."""
        # Where it is needed: an idle worker knows the models, but no telephone numbers.
        from campaigns.audience import select_leads

        try:
            select_leads(self.audience)
        except InvalidInput as error:
            raise ValidationError({"audience": str(error)}) from None
        try:
            read_windows(self.send_windows)
        except InvalidInput as error:
            raise ValidationError({"send_windows": str(error)}) from None

    @property
    def threshold(self) -> int:
        """The score from which on a lead is written to."""
        return settings.QUALIFYING_SCORE if self.min_score is None else self.min_score

    @property
    def template(self) -> Template:
        """What the first mail says. Raises InvalidInput while there is none."""
        first = self.steps.select_related("template").filter(number=1).first()
        if first is None:
            raise InvalidInput(f"The campaign {self.name!r} has no first mail: add it.")
        return first.template


class Recipient(models.Model):
    """A lead inside a campaign: included, or skipped for a reason.

    An included one is written to step by step, until something stops that.
    """

    class State(models.TextChoices):
        """Whether the lead is written to."""

        #: Has an e-mail; its state says the rest.
        INCLUDED = "included", "included"
        SKIPPED = "skipped", "skipped"

    # Both are found by the constraints and indexes below.
    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="recipients", db_index=False
    )
    lead = models.ForeignKey(
        "leads.Lead",
        on_delete=models.PROTECT,
        related_name="recipients",
        db_index=False,
    )
    #: As `leads.suppression.normalise_address` gives it; blank when there is none.
    address = models.CharField(max_length=254, blank=True)
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=20, choices=SkipReason.choices, blank=True)
    #: One sentence about the reason.
    detail = models.TextField(blank=True)
    #: An IANA name, as it was known when the audience was frozen; blank when it wasn't.
    time_zone = models.CharField(max_length=64, blank=True)
    #: Why no further step is sent; blank while the sequence goes on.
    stop_reason = models.CharField(
        max_length=12, choices=StopReason.choices, blank=True
    )
    stopped_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            # The lead stands first, for whoever looks for all of its campaigns.
            models.UniqueConstraint(
                fields=["lead", "campaign"], name="campaigns_recipient_uniq"
            ),
            # Two leads may share an address; only one of them is written to. The
            # address stands first, for whoever answers or refuses, in all campaigns.
            models.UniqueConstraint(
                fields=["address", "campaign"],
                condition=models.Q(state="included"),
                name="campaigns_recipient_address_uniq",
            ),
            models.CheckConstraint(
                condition=models.Q(state="included", reason="") & ~models.Q(address="")
                | models.Q(state="skipped", reason__in=SkipReason.values),
                name="campaigns_recipient_state_valid",
                violation_error_message=(
                    "A recipient is included with an address, or skipped with a reason."
                ),
            ),
            models.CheckConstraint(
                condition=models.Q(stop_reason="", stopped_at__isnull=True)
                | models.Q(stop_reason__in=StopReason.values, stopped_at__isnull=False),
                name="campaigns_recipient_stop_valid",
                violation_error_message="A stopped recipient has a reason and a time.",
            ),
        ]
        indexes = [
            # "Why not sent?", by an address or its beginning.
            models.Index(
                fields=["campaign", "address"],
                opclasses=["int8_ops", "varchar_pattern_ops"],
                name="campaigns_recipient_why_idx",
            ),
            # The skipped ones of a campaign by reason.
            models.Index(
                fields=["campaign", "state", "reason"],
                name="campaigns_recipient_reason_idx",
            ),
        ]

    def __str__(self) -> str:
        return self.address or f"lead {self.lead_id}"
