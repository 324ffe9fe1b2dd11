"""App registration."""

from __future__ import annotations

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """The room `campaigns`."""

    name = "campaigns"
