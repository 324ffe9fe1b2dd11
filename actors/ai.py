"""Actors of the family `ai`."""

from __future__ import annotations
