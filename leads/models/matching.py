"""What is kept so that new leads are compared with those they may be."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from leads.models.lead import Lead


class LeadBlock(models.Model):
    """A value by which a lead's candidates are found (`leads.linking.blocking`)."""

    # As with a lead's facts, triggers keep it true (migration 0011): the check of each
    # row took a third of storing them.
    lead = models.ForeignKey(
        Lead, on_delete=models.CASCADE, related_name="blocks", db_constraint=False
    )
    key = models.CharField(max_length=120)

    class Meta:
        constraints = [
            # Also the index by which a block's members are read.
            models.UniqueConstraint(
                fields=["key", "lead"], name="leads_leadblock_key_lead_uniq"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class LeadMatching(models.Model):
    """When a lead was last compared, and what it was like then."""

    lead = models.OneToOneField(
        Lead, on_delete=models.CASCADE, primary_key=True, related_name="matching"
    )
    #: `Lead.updated_at` as it was; a lead that differs is looked at again.
    seen_updated_at = models.DateTimeField()
    #: Hash of what is compared; the same one means that nothing needs comparing.
    fingerprint = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.fingerprint[:12]


class LeadPair(models.Model):
    """Two leads that may be one business, and what was decided about them.

    A decision holds for ever: two leads that a person kept apart are not asked about
    or merged again.
    """

    class State(models.TextChoices):
        """What was decided."""

        OPEN = "open", "doubtful"
        MERGED = "merged", "merged"
        APART = "apart", "not the same"

    #: The one with the smaller id.
    one = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="+")
    #: How likely they are one, in bits (`leads.linking.comparing`).
    bits = models.FloatField(default=0)
    reasons = models.JSONField(default=list)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "doubtful pair"
        constraints = [
            models.UniqueConstraint(
                fields=["one", "other"], name="leads_leadpair_one_other_uniq"
            ),
            models.CheckConstraint(
                condition=models.Q(one__lt=models.F("other")),
                name="leads_leadpair_order_valid",
                violation_error_message="The smaller id comes first.",
            ),
        ]
        indexes = [
            # The review list: undecided ones, the likeliest first.
            models.Index(
                fields=["-bits"],
                condition=models.Q(state="open"),
                name="leads_leadpair_open_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.one} and {self.other}"
