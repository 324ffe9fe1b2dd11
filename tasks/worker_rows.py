"""Worker processes and their heartbeats."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Worker(models.Model):
    """One worker process and its heartbeat."""

    class Request(models.TextChoices):
        """What a person asks of it; it reads this at its heartbeat."""

        #: Take no more work, finish what runs, stay.
        QUIET = "quiet"
        #: End in good order; a supervisor starts another.
        STOP = "stop"

    host = models.CharField(max_length=200)
    pid = models.IntegerField()
    queues = models.JSONField(default=list)
    threads = models.SmallIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True, blank=True)
    memory_bytes = models.BigIntegerField(default=0)
    tasks_done = models.IntegerField(default=0)
    requested = models.CharField(
        max_length=5, choices=Request.choices, blank=True, default=""
    )

    class Meta:
        ordering = ["-heartbeat_at"]
        indexes = [
            # The living ones, for admin, metrics and the supervisor.
            models.Index(
                fields=["heartbeat_at"],
                condition=Q(stopped_at__isnull=True),
                name="tasks_worker_alive_idx",
            )
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
