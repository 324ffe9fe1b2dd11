"""Counts of mails and people, kept so that no page and no scrape has to count rows.

Triggers write a `Change` with each change of a mail, in the same commit; `counting` adds
them up and folds them into `Count`, `HourlyCount` and `DomainCount`. Ids are plain
numbers here: what was counted stays, and a key to the mail's row would lock it.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from campaigns.models.campaign import Campaign
from campaigns.models.email import Email


class What(models.TextChoices):
    """What is counted beside the states of mails: mails to which something happened."""

    OPENED = "opened", "opened"
    CLICKED = "clicked", "clicked"
    OPENED_BY_MACHINE = "opened_by_machine", "opened by a machine"
    CLICKED_BY_MACHINE = "clicked_by_machine", "clicked by a machine"
    DEMO_VIEWED = "demo_viewed", "demo viewed"
    REPLIED = "replied", "replied"
    UNSUBSCRIBED = "unsubscribed", "unsubscribed"
    BOUNCED = "bounced", "bounced"
    COMPLAINED = "complained", "complained"


#: Stands before what is counted in leads: `lead.opened` has opened one mail or more,
#: `lead.included` is written to, `lead.no_demo` is not, for this reason.
LEAD = "lead."


class Keyed(models.Model):
    """To which mails a number belongs; what is counted in leads has step 0."""

    #: None: mails to one lead, outside of any campaign.
    campaign_id = models.BigIntegerField(null=True, blank=True)
    step = models.PositiveSmallIntegerField(default=0)
    variant_id = models.BigIntegerField(null=True, blank=True)
    account_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        abstract = True


class Change(Keyed):
    """One or more mails that were one thing and became another; waits to be folded."""

    domain = models.CharField(max_length=254, blank=True)
    #: A state of a mail or a `What`; blank where there was nothing before, or is nothing
    #: after.
    was = models.CharField(max_length=40, blank=True)
    was_at = models.DateTimeField(null=True, blank=True)
    became = models.CharField(max_length=40, blank=True)
    became_at = models.DateTimeField(null=True, blank=True)
    #: How many.
    n = models.IntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.was} to {self.became}"


class Count(Keyed):
    """How many mails are this now, or have had it happen to them ever."""

    what = models.CharField(max_length=40)
    n = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign_id", "step", "variant_id", "account_id", "what"],
                nulls_distinct=False,
                name="campaigns_count_uniq",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.n} {self.what}"


class HourlyCount(Keyed):
    """How many mails had it happen to them in one hour."""

    #: Its beginning.
    hour = models.DateTimeField()
    what = models.CharField(max_length=40)
    n = models.BigIntegerField(default=0)
    #: When it was last folded into: which days have to be added up again.
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "campaign_id", "hour", "step", "variant_id", "account_id", "what",
                ],
                nulls_distinct=False,
                name="campaigns_hourlycount_uniq",
            ),
        ]  # fmt: skip
        indexes = [
            # The hours of a day, and those that are let go.
            models.Index(fields=["hour"], name="campaigns_hourlycount_hour_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.n} {self.what} at {self.hour}"


class DomainCount(models.Model):
    """How many mails to one domain had it happen to them."""

    campaign_id = models.BigIntegerField(null=True, blank=True)
    domain = models.CharField(max_length=254)
    what = models.CharField(max_length=40)
    n = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign_id", "domain", "what"],
                nulls_distinct=False,
                name="campaigns_domaincount_uniq",
            ),
        ]
        indexes = [
            # The domains that a campaign writes to most.
            models.Index(
                fields=["campaign_id", "what", "-n"],
                name="campaigns_domaincount_top_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.n} {self.what} to {self.domain}"


class Reaction(models.Model):
    """That something happened to a mail, and when first: what of it has been counted."""

    email = models.ForeignKey(
        Email,
        on_delete=models.CASCADE,
        related_name="reactions",
        db_constraint=False,
        db_index=False,
    )
    what = models.CharField(max_length=40, choices=What.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["email", "what"], name="campaigns_reaction_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()}: e-mail {self.email_id}"


class LeadReaction(models.Model):
    """With how many of its mails a recipient did one thing."""

    recipient_id = models.BigIntegerField()
    what = models.CharField(max_length=40, choices=What.choices)
    mails = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient_id", "what"], name="campaigns_leadreaction_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()}: recipient {self.recipient_id}"


class DailyFigures(models.Model):
    """What mails of one kind did on one day (UTC), by campaign, step, variant, account."""

    day = models.DateField()
    campaign = models.ForeignKey(
        Campaign,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="daily_figures",
    )
    step = models.PositiveSmallIntegerField(default=1)
    variant_id = models.BigIntegerField(null=True, blank=True)
    account_id = models.BigIntegerField(null=True, blank=True)
    sent = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    in_doubt = models.PositiveIntegerField(default=0)
    #: Mails to which it happened that day for the first time, each once.
    opened = models.PositiveIntegerField(default=0)
    clicked = models.PositiveIntegerField(default=0)
    demo_viewed = models.PositiveIntegerField(default=0)
    replied = models.PositiveIntegerField(default=0)
    bounced = models.PositiveIntegerField(default=0)
    complained = models.PositiveIntegerField(default=0)
    unsubscribed = models.PositiveIntegerField(default=0)
    written_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "daily figures"
        ordering = ["-day", "campaign", "step"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "campaign", "step", "variant_id", "account_id"],
                nulls_distinct=False,
                name="campaigns_dailyfigures_uniq",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign or 'single mails'} on {self.day}"
