"""A lead, where each of its fields came from, and what makes it the same lead."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models

from leads.legal_forms import LegalForm, legal_form_of
from leads.web_addresses import validate_web_address


class LeadQuerySet(models.QuerySet["Lead"]):
    """Queries for leads."""

    def active(self) -> Self:
        """Leave out leads that were merged into another one."""
        return self.filter(merged_into__isnull=True)

    def qualifying(self) -> Self:
        """Keep active leads whose score reaches QUALIFYING_SCORE."""
        return self.active().filter(score__gte=settings.QUALIFYING_SCORE)


class Lead(models.Model):
    """A business that could use a better web presence."""

    name = models.CharField(max_length=200)
    category = models.CharField(max_length=100, blank=True)
    description = models.TextField(blank=True)
    website = models.CharField(
        max_length=500, blank=True, validators=[validate_web_address]
    )
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=20, blank=True, help_text="E.164: +14155550123")
    street = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    region = models.CharField(max_length=100, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=60, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    hiring = models.TextField(
        blank=True, help_text="Whom it seeks, as its own job adverts say."
    )
    score = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="0-100: how much this business could use us."
    )
    #: `[{"points": int, "reason": str}, …]`; the points add up to the score.
    score_reasons = models.JSONField(default=list, blank=True)
    scored_at = models.DateTimeField(null=True, blank=True)
    #: What the last visit of the website found; keys: `leads.auditing.SiteAudit`.
    audit = models.JSONField(default=dict, blank=True)
    enriched_at = models.DateTimeField(null=True, blank=True)
    legal_form = models.CharField(
        max_length=12,
        blank=True,
        choices=[
            ("company", "company"),
            ("sole_trader", "sole trader"),
            ("unknown", "unknown"),
        ],
        help_text="Empty: as the name says. What is no company counts as a person.",
    )
    legal_basis = models.CharField(
        max_length=20,
        blank=True,
        choices=[
            ("consent", "consent"),
            ("contract", "contract"),
            ("legitimate_interest", "legitimate interest"),
        ],
        help_text="Why its data may be used (Art. 6 GDPR, or what holds in its country).",
    )
    legal_basis_note = models.CharField(
        max_length=200, blank=True, help_text="When and how it was given or weighed."
    )
    merged_into = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="absorbed",
        db_index=False,
    )
    first_seen_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = LeadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(score__isnull=True)
                | models.Q(score__gte=0, score__lte=100),
                name="leads_lead_score_valid",
                violation_error_message="A score lies between 0 and 100.",
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True)
                | ~models.Q(merged_into=models.F("id")),
                name="leads_lead_merged_into_valid",
                violation_error_message="A lead can't be merged into itself.",
            ),
        ]
        indexes = [
            # The audience of a campaign and admin's first page: active, best first.
            models.Index(
                fields=["-score"],
                condition=models.Q(merged_into__isnull=True),
                name="leads_lead_active_score_idx",
            ),
            # What became of a lead; most were never merged.
            models.Index(
                fields=["merged_into"],
                condition=models.Q(merged_into__isnull=False),
                name="leads_lead_merged_into_idx",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def qualifies(self) -> bool:
        """Whether the score reaches QUALIFYING_SCORE; an unscored lead doesn't."""
        return self.score is not None and self.score >= settings.QUALIFYING_SCORE

    @property
    def legal_form_shown(self) -> LegalForm:
        """The legal form that a person noted, or else what the name says."""
        return (
            LegalForm(self.legal_form) if self.legal_form else legal_form_of(self.name)
        )

    @property
    def place(self) -> str:
        """The city and region on one line, empty when neither is known."""
        return ", ".join(part for part in (self.city, self.region) if part)

    def as_facts(self) -> dict[str, Any]:
        """Give the fields that sources fill, as plain values for pure code."""
        return {field: getattr(self, field) for field in LEAD_FIELDS}


#: The fields of a lead that sources fill and that carry provenance.
LEAD_FIELDS = (
    "name",
    "category",
    "description",
    "website",
    "email",
    "phone",
    "street",
    "city",
    "region",
    "postal_code",
    "country",
    "latitude",
    "longitude",
    "hiring",
)


class LeadKey(models.Model):
    """One thing that identifies a lead; whoever brings the same key is that lead.

    The unique constraint makes exact de-duplication hold whatever workers do at the
    same time. A merged lead's keys move to the lead that stays.
    """

    class Kind(models.TextChoices):
        """What the key is made of."""

        WEBSITE = "website", "website"
        PHONE = "phone", "phone"
        NAME_CITY = "name_city", "name and city"
        #: A source's own id of the listing, so that a second scrape finds it again.
        LISTING = "listing", "listing"
        #: Why two leads were merged, never the key of one: they are much alike.
        LIKENESS = "likeness", "likeness"

    # As with facts, below, triggers keep it true.
    lead = models.ForeignKey(
        Lead, on_delete=models.CASCADE, related_name="keys", db_constraint=False
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    value = models.CharField(max_length=400)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "value"], name="leads_leadkey_kind_value_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.value}"


class LeadFact(models.Model):
    """Where one field of a lead came from: the newest value of each page."""

    # The unique constraint below begins with it, so it needs no index of its own. The
    # database keeps it true with triggers that see whole statements (migration 0010): a
    # foreign key's check of each row took a quarter of storing a list.
    lead = models.ForeignKey(
        Lead,
        on_delete=models.CASCADE,
        related_name="facts",
        db_index=False,
        db_constraint=False,
    )
    field = models.CharField(max_length=30)
    value = models.TextField()
    source = models.CharField(max_length=30)
    url = models.CharField(max_length=1000, blank=True)
    fetched_at = models.DateTimeField()
    fetch = models.ForeignKey(
        "leads.Fetch",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "field", "source", "url"],
                name="leads_leadfact_origin_uniq",
            ),
        ]
        indexes = [
            # Asked when old fetches are pruned; most facts name none.
            models.Index(
                fields=["fetch"],
                condition=models.Q(fetch__isnull=False),
                name="leads_leadfact_fetch_idx",
            ),
        ]
        ordering = ["field", "fetched_at"]

    def __str__(self) -> str:
        return f"{self.field} from {self.source}"


class LeadMerge(models.Model):
    """The record of one merge: what was taken for the same lead, and why."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="merges")
    #: None when a source's listing joined before it became a lead of its own.
    absorbed = models.ForeignKey(
        Lead,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="absorbed_merges",
    )
    name = models.CharField(max_length=200)
    key_kind = models.CharField(max_length=12, choices=LeadKey.Kind.choices)
    key_value = models.CharField(max_length=400)
    source = models.CharField(max_length=30)
    url = models.CharField(max_length=1000, blank=True)
    #: What undoing needs: ids of moved rows by table, and the fields before and after.
    moved = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "name", "source", "url"],
                condition=models.Q(absorbed__isnull=True),
                name="leads_leadmerge_origin_uniq",
            ),
            # A lead is part of one other at a time.
            models.UniqueConstraint(
                fields=["absorbed"],
                condition=models.Q(undone_at__isnull=True),
                name="leads_leadmerge_absorbed_uniq",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} by {self.key_kind}"
