"""Addresses that are never written to again."""

from __future__ import annotations

from django.db import models


class Suppression(models.Model):
    """An address that gets no more mail; only its hash is kept, for good."""

    address_hash = models.CharField(max_length=64, unique=True)
    #: The person asked to be forgotten: no source may bring the address back.
    is_erased = models.BooleanField(default=False)
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.address_hash[:12]}…"
