"""Tallies: what happened to tasks in each minute, and ever, by queue and actor.

Rows of tasks and attempts are pruned; these stay. `tasks.tallying` writes them,
`tasks.metrics` reads them. Import them from `tasks.models`, where Django looks for them.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

#: Upper bounds, in seconds, of the buckets of waits and runs; one more bucket takes what
#: is longer. Stored rows count by these: to change them is to migrate the arrays.
BOUNDS = (
    0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 900.0, 2400.0, 3600.0,
)  # fmt: skip


def no_buckets() -> list[int]:
    """Return the buckets of nothing."""
    return [0] * (len(BOUNDS) + 1)


class Counts(models.Model):
    """What is counted, for one queue and actor."""

    queue = models.CharField(max_length=50)
    actor = models.CharField(max_length=100)

    #: Tasks that were enqueued.
    enqueued = models.BigIntegerField(default=0)
    #: Runs that have ended, however they ended.
    runs = models.BigIntegerField(default=0)
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    #: Also those that were cancelled before they ran.
    cancelled = models.BigIntegerField(default=0)
    #: Set aside because too many workers died under them.
    poisoned = models.BigIntegerField(default=0)
    #: Runs after which the task is tried again, one failure poorer.
    retried = models.BigIntegerField(default=0)
    #: Runs that a limit ended; they burn nothing.
    deferred = models.BigIntegerField(default=0)
    #: Runs that a worker gave back because it stopped.
    returned = models.BigIntegerField(default=0)
    #: Runs that were lost with their worker, and whose task was given to another.
    rescued = models.BigIntegerField(default=0)

    # Microseconds and not a float: sums have to be the same in whatever order they are
    # added, or a counter would seem to go back.
    wait_us = models.BigIntegerField(default=0)
    wait_buckets = ArrayField(models.BigIntegerField(), default=no_buckets)
    run_us = models.BigIntegerField(default=0)
    run_buckets = ArrayField(models.BigIntegerField(), default=no_buckets)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.queue} {self.actor}"


class Tally(Counts):
    """What happened in one minute, or, when it is old, in one hour."""

    class Span(models.IntegerChoices):
        """The length of a tally in seconds."""

        MINUTE = 60
        HOUR = 3600

    started_at = models.DateTimeField()
    span = models.SmallIntegerField(choices=Span.choices)

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [
            # Starts with the time: history charts and pruning read ranges of it.
            models.UniqueConstraint(
                fields=["span", "started_at", "queue", "actor"],
                name="tasks_tally_uniq",
            )
        ]


class Total(Counts):
    """What has happened ever, up to the mark."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "actor"], name="tasks_total_uniq")
        ]


class TallyMark(models.Model):
    """The one row that says how far rows stand in the tallies."""

    #: What is stamped earlier is counted, what is stamped later is not.
    counted_until = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.counted_until)
