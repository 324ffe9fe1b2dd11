"""Actors of the family `demo`."""

from __future__ import annotations
