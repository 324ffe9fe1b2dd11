"""The rows by which people steer the machinery: queues, actors and schedules.

Import them from `tasks.models`, where Django looks for them.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from fliptech_site.errors import InvalidInput


class Gated(models.Model):
    """What is let through now, of a queue or of an actor; `tasks.gating` obeys it."""

    #: Nothing begins; what is running goes on.
    is_paused = models.BooleanField(default=False, editable=False)
    rate_per_minute = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(60_000)],
        help_text="At most so many tasks begin per minute; empty means unlimited.",
    )
    concurrency = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="At most so many run at the same time; empty means unlimited.",
    )
    next_slot_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def status(self) -> str:
        """Its state in people's words: open or paused."""
        return "paused" if self.is_paused else "open"


class Queue(Gated):
    """A queue and what it lets through now; without a row everything.

    The names are those of settings.
    """

    name = models.CharField(max_length=50, primary_key=True, editable=False)
    #: What is older than this is still done, what is newer waits; then it is paused.
    draining_since = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> str:
        """Its state in people's words: open, paused or draining."""
        is_draining = self.draining_since and not self.is_paused
        return "draining" if is_draining else super().status


class Actor(Gated):
    """An actor and what is let through of it, beside its queue's own gate.

    Without a row that is everything.
    """

    name = models.CharField(max_length=100, primary_key=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Schedule(models.Model):
    """A standing order: an actor, a cron expression and a time zone."""

    class Misfire(models.TextChoices):
        """What becomes of runs whose time passed while no scheduler was there."""

        ONCE = "once", "make them up by one run"
        CATCH_UP = "catch_up", "make up each, at most 100"
        SKIP = "skip", "skip them"

    class Overlap(models.TextChoices):
        """What becomes of a run whose forerunner is unfinished."""

        ALLOW = "allow", "run beside it"
        SKIP = "skip", "skip the run"
        QUEUE = "queue", "run after it"

    name = models.CharField(max_length=100, unique=True)
    actor = models.CharField(max_length=100)
    kwargs = models.JSONField(default=dict, blank=True)
    cron = models.CharField(max_length=100)
    timezone = models.CharField(max_length=60, default="UTC")
    misfire = models.CharField(
        "missed runs", max_length=8, choices=Misfire.choices, default=Misfire.ONCE
    )
    overlap = models.CharField(
        max_length=8, choices=Overlap.choices, default=Overlap.ALLOW
    )
    is_enabled = models.BooleanField(default=True)
    #: True for those that an actor declares; their cron follows the code.
    is_declared = models.BooleanField(default=False)
    next_run_at = models.DateTimeField(null=True, blank=True)
    last_planned_at = models.DateTimeField(null=True, blank=True)
    #: Why it could not run when its time came last.
    problem = models.TextField(blank=True, default="", editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse an unknown actor, wrong arguments, or a schedule that never runs.

        Arguments for an encrypted actor are encrypted here, and not shown again.
        """
        # Above this module in the room: imported when a form asks.
        from tasks.crontab import next_run
        from tasks.declaring import check_arguments, find_actor
        from tasks.sealing import sealed_kwargs, unsealed_kwargs

        try:
            declared = find_actor(self.actor)
            check_arguments(declared, (), unsealed_kwargs(self.kwargs))
            next_run(self.cron, self.timezone, timezone.now())
            self.kwargs = sealed_kwargs(declared, self.kwargs)
        except InvalidInput as error:
            raise ValidationError(str(error)) from None
