"""Actors of the family `campaign`."""

from __future__ import annotations
