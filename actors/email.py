"""Actors of the family `email`."""

from __future__ import annotations
