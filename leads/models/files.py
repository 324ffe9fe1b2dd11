"""Files of businesses that people bring in and take out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models


class FileState(models.TextChoices):
    """Where an import or export stands."""

    #: Uploaded; somebody looks at the preview.
    UPLOADED = "uploaded", "uploaded"
    #: A task is enqueued or works on it.
    RUNNING = "running", "running"
    FINISHED = "finished", "finished"
    #: `reason` says why.
    FAILED = "failed", "failed"


class LeadImport(models.Model):
    """One uploaded file, from its preview to the leads that it brought.

    The file itself is deleted when the import has ended: the facts say where they
    came from.
    """

    name = models.CharField(max_length=200, help_text="as it was called")
    #: Name of the file inside VAR_DIR/imports, empty when it is deleted.
    stored_as = models.CharField(max_length=80, blank=True)
    #: Field -> list of columns, as a person chose them; empty while all are guessed.
    columns = models.JSONField(default=dict, blank=True)
    send_on = models.BooleanField(
        "visit and score",
        default=True,
        help_text="Visit the new leads' websites and score them.",
    )
    state = models.CharField(
        max_length=10, choices=FileState.choices, default=FileState.UPLOADED
    )
    reason = models.TextField(blank=True)
    #: Rows that are stored or left out; an import that was cut off goes on behind them.
    rows_done = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField("new", default=0)
    merged = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    #: The first sentences about rows that were left out.
    problems = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    task_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "import"
        indexes = [
            # Admin's list, newest first, and the nightly clearing.
            models.Index(fields=["-created_at"], name="leads_leadimport_created_idx"),
        ]

    def __str__(self) -> str:
        return self.name


class LeadExport(models.Model):
    """One file of leads that somebody asked for, kept until it expires."""

    class Format(models.TextChoices):
        """What kind of file."""

        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX (Excel)"
        JSONL = "jsonl", "JSONL"
        PARQUET = "parquet", "Parquet"

    format = models.CharField(max_length=8, choices=Format.choices, default=Format.CSV)
    #: Filter -> value, by the names of `leads.filtering.FILTERS`.
    filters = models.JSONField(default=dict, blank=True)
    state = models.CharField(
        max_length=10, choices=FileState.choices, default=FileState.RUNNING
    )
    reason = models.TextField(blank=True)
    #: Name of the file inside VAR_DIR/exports, empty when it is deleted.
    stored_as = models.CharField(max_length=120, blank=True)
    leads = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField("bytes", default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    task_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "export"
        indexes = [
            # Admin's list, newest first, and the nightly clearing.
            models.Index(fields=["-created_at"], name="leads_leadexport_created_idx"),
        ]

    def __str__(self) -> str:
        return self.stored_as or f"{self.format} export {self.pk}"

    @property
    def wanted(self) -> str:
        """The filters on one line."""
        parts: dict[str, Any] = self.filters
        return ", ".join(f"{name} {value}" for name, value in parts.items()) or "all"
