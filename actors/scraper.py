"""Actors of the family `scraper`."""

from __future__ import annotations
