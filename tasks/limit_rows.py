"""Rows that processes share beside tasks: paces, counters, signals, leases, results.

All of them but paces carry `expires_at`: a row past it counts as absent, whether it has
been pruned or not. None of these columns is indexed but the keys, so that an update
stays on its page.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Pace(models.Model):
    """When the next slot of a shared pace is free; see `tasks.limits`."""

    key = models.CharField(max_length=200, primary_key=True)
    next_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "paces"

    def __str__(self) -> str:
        return self.key


class Counter(models.Model):
    """A number of Dramatiq's limiters and barriers; see `tasks.limits`."""

    key = models.TextField(primary_key=True)
    value = models.BigIntegerField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


class Signal(models.Model):
    """An event that has happened, for those who come to wait for it afterwards."""

    key = models.TextField(primary_key=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


class StoredResult(models.Model):
    """A result that has no task of the ledger, under Dramatiq's key."""

    key = models.TextField(primary_key=True)
    #: As Dramatiq's encoder wrote it; empty while somebody waits for it.
    value = models.BinaryField(null=True)
    expires_at = models.DateTimeField()
    is_awaited = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return self.key


class Lease(models.Model):
    """One holder of one slot or lock; the id is its fencing number."""

    key = models.TextField()
    #: Who holds it, for people: host, process and task.
    owner = models.CharField(max_length=300)
    taken_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    #: Somebody waits for it to be given back.
    is_awaited = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["key", "id"]
        indexes = [models.Index(fields=["key"], name="tasks_lease_key_idx")]

    def __str__(self) -> str:
        return f"{self.key} #{self.pk}"
