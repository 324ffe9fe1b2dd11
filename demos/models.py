"""Demo sites and who looked at them."""

from __future__ import annotations

import secrets
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from leads.models import Lead


def new_token() -> str:
    """Return the unguessable part of an address: 128 random bits, 22 characters."""
    return secrets.token_urlsafe(16)


class DemoSiteQuerySet(models.QuerySet["DemoSite"]):
    """Queries for demo sites."""

    def live(self) -> Self:
        """Keep sites that a visitor gets to see now."""
        return self.filter(
            state=DemoSite.State.PUBLISHED, expires_at__gt=timezone.now()
        )

    def past_their_date(self) -> Self:
        """Keep published sites that should have been taken down by now."""
        return self.filter(
            state=DemoSite.State.PUBLISHED, expires_at__lte=timezone.now()
        )


class DemoSite(models.Model):
    """The private design proposal for one lead.

    The row exists before the first file does. `build` names the files that are
    served; a new build replaces it in one update, so a visitor sees the old page or
    the new one and never half of one.
    """

    class State(models.TextChoices):
        """Where a site is in its life."""

        #: Nothing was published yet; a site that is rebuilt stays `published`.
        BUILDING = "building", "building"
        PUBLISHED = "published", "published"
        EXPIRED = "expired", "expired"
        #: Taken down by a person; only a person brings it back.
        REVOKED = "revoked", "revoked"

    lead = models.OneToOneField(Lead, on_delete=models.CASCADE, related_name="demo")
    token = models.CharField(
        max_length=32, unique=True, default=new_token, editable=False
    )
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.BUILDING
    )
    #: SHA-256 of the page, hexadecimal; empty until the first one is published.
    build = models.CharField(max_length=64, blank=True)
    #: Base64 SHA-256 of the page's script, for the Content-Security-Policy.
    script_hash = models.CharField(max_length=44, blank=True)
    trade = models.CharField(max_length=30, blank=True)
    size_bytes = models.PositiveIntegerField(default=0)
    #: `Lead.updated_at` of the facts in `build`: older facts never replace newer ones.
    facts_as_of = models.DateTimeField(null=True, blank=True)
    #: Set while a build runs; an old value is the trace of a crash.
    build_started_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DemoSiteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="published")
                | (
                    ~models.Q(build="")
                    & models.Q(published_at__isnull=False, expires_at__isnull=False)
                ),
                name="demos_demosite_published_complete",
                violation_error_message="A published site has a build and two dates.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=models.Q(state="published"),
                name="demos_demosite_expiry_idx",
            ),
        ]
        verbose_name = "demo site"

    def __str__(self) -> str:
        return f"Demo for {self.lead.name}"

    @property
    def public_url(self) -> str:
        """The address to send to the lead."""
        return f"{settings.PUBLIC_URL}/d/{self.token}/"

    @property
    def is_live(self) -> bool:
        """Whether a visitor gets to see the page now."""
        return (
            self.state == self.State.PUBLISHED
            and self.expires_at is not None
            and self.expires_at > timezone.now()
        )


class DemoView(models.Model):
    """One visitor's day at a demo site: page fetches and confirmed views.

    A fetch (`hits`) proves little: mail scanners fetch, too. A view is counted when
    the page itself reports that it was visible for two seconds. Nothing is dropped:
    whoever isn't a person is kept under its own kind.
    """

    class Visitor(models.TextChoices):
        """Who seems to be looking."""

        PERSON = "person", "person"
        BOT = "bot", "bot"
        PREFETCH = "prefetch", "prefetch"
        #: Somebody who is logged in here.
        TEAM = "team", "team"

    site = models.ForeignKey(DemoSite, on_delete=models.CASCADE, related_name="visits")
    day = models.DateField()
    visitor = models.CharField(max_length=8, choices=Visitor.choices)
    #: Hash of address and browser under a salt that is thrown away after the day.
    visitor_hash = models.CharField(max_length=32)
    user_agent = models.CharField(max_length=200, blank=True)
    hits = models.PositiveIntegerField(default=0)
    views = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField(auto_now_add=True)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "day", "visitor", "visitor_hash"],
                name="demos_demoview_visit_uniq",
            ),
        ]
        indexes = [
            # What people viewed lately.
            models.Index(
                fields=["last_at"],
                condition=models.Q(visitor="person", views__gt=0),
                name="demos_demoview_last_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visitor} on {self.day}"


class VisitorSalt(models.Model):
    """The random salt of one day; once deleted, its hashes lead back to nobody."""

    day = models.DateField(primary_key=True)
    salt = models.BinaryField()

    def __str__(self) -> str:
        return f"Salt of {self.day}"
