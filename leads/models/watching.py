"""What is repeated by the clock, and what is wrong with a source."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tasks.models import Schedule


class RecurringScrapes(models.Manager["RecurringScrape"]):
    """The schedules that scrape."""

    def get_queryset(self) -> models.QuerySet[RecurringScrape]:
        """Leave out every other standing order."""
        return super().get_queryset().filter(actor__startswith="scrape_")


class RecurringScrape(Schedule):
    """A scrape at the times of a cron expression: a row of the ledger's schedules.

    Its actor and kwargs are the source and its parameters.
    """

    objects: ClassVar[RecurringScrapes] = RecurringScrapes()

    class Meta:
        proxy = True

    @property
    def source(self) -> str:
        """The source's name."""
        return self.actor.removeprefix("scrape_")


class SourceNotice(models.Model):
    """Something that is wrong with a source, from when it was noticed until it is over."""

    class Kind(models.TextChoices):
        """What is wrong."""

        #: A scrape stands still though its task has not ended.
        STALLED = "stalled", "stalled"
        #: The last scrapes were refused, denied or found unknown mark-up.
        BLOCKED = "blocked", "blocked"
        #: A field that used to be filled is filled far less often.
        DRIFTING = "drifting", "drifting"

    source = models.CharField(max_length=30)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.TextField()
    noticed_at = models.DateTimeField(auto_now_add=True)
    #: When the monitor last saw it.
    seen_at = models.DateTimeField(auto_now=True)
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "kind"],
                condition=models.Q(cleared_at__isnull=True),
                name="leads_sourcenotice_open_uniq",
            ),
        ]
        indexes = [
            models.Index(fields=["-noticed_at"], name="leads_sourcenotice_noticed_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.source} is {self.kind}"
