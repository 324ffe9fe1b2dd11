"""The archive's rows; import them from `tasks.models`."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tasks.states import State

#: Characters kept of an error.
KEPT_ERROR = 500


class ArchivedTask(models.Model):
    """What is kept for long of a finished task: one slim row, without its arguments.

    The table is partitioned by the month of `finished_at`, so that what is too old goes
    as a whole table (see `tasks.archiving`). A task is here or in `Task`, never in both.
    """

    #: In the database the key is (id, finished_at), as partitions want it.
    id = models.UUIDField(primary_key=True)
    actor = models.CharField(max_length=100)
    queue = models.CharField(max_length=50)
    state = models.CharField(max_length=10, choices=State.choices)
    attempt = models.SmallIntegerField("attempts")
    failures = models.SmallIntegerField()
    rescues = models.SmallIntegerField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField("last begun at", null=True)
    finished_at = models.DateTimeField()
    error_class = models.CharField(max_length=200, blank=True)
    error_message = models.TextField(blank=True)
    unique_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - as in Task
    parent_id = models.UUIDField(null=True)
    root_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["-finished_at"]
        indexes = [
            # The newest first, in admin.
            models.Index(F("finished_at").desc(), name="tasks_archive_finished_idx"),
            models.Index(
                "actor", F("finished_at").desc(), name="tasks_archive_actor_idx"
            ),
            # What went wrong is what people look for, and little of it all.
            models.Index(
                "state",
                F("finished_at").desc(),
                condition=~Q(state=State.SUCCEEDED),
                name="tasks_archive_state_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.id}"

    @property
    def status(self) -> str:
        """The state in people's words; archived tasks are finished."""
        return self.state
