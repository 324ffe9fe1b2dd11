"""What is remembered about web hosts, so that all workers behave as one."""

from __future__ import annotations

from django.db import models


class RobotsFile(models.Model):
    """The robots.txt of one origin as it was last read."""

    class Standing(models.TextChoices):
        """What the answer means by RFC 9309, section 2.3.1."""

        #: Rules were read.
        FOUND = "found", "found"
        #: 4xx: everything may be fetched.
        ABSENT = "absent", "absent"
        #: 5xx or no answer: nothing may be fetched.
        UNREACHABLE = "unreachable", "unreachable"

    origin = models.CharField(max_length=300, unique=True, help_text="scheme://host")
    standing = models.CharField(max_length=12, choices=Standing.choices)
    status = models.PositiveSmallIntegerField(null=True)
    reason = models.TextField(blank=True)
    body = models.TextField(blank=True)
    fetched_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.origin


class HostPause(models.Model):
    """Until when a host is left alone, because it said so (429, 503, Retry-After)."""

    host = models.CharField(max_length=260, unique=True, help_text="host:port")
    until = models.DateTimeField()
    reason = models.TextField()
    #: Refusals in a row; a page that arrives sets it back to 0.
    strikes = models.PositiveSmallIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.host


class HostPace(models.Model):
    """How fast a host has answered and failed of late; sets the pace of all workers."""

    host = models.CharField(max_length=260, unique=True, help_text="host:port")
    #: Seconds between two requests that the host's own behaviour suggests.
    delay_seconds = models.FloatField(default=0)
    #: Seconds until an answer, smoothed.
    latency_seconds = models.FloatField(default=0)
    #: Failures in a row.
    failures = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            # The nightly clearing of hosts that are not asked any more.
            models.Index(fields=["updated_at"], name="leads_hostpace_updated_idx"),
        ]

    def __str__(self) -> str:
        return self.host


class StoredPage(models.Model):
    """An answer kept for reuse (RFC 9111): body, validators and until when it is fresh."""

    #: SHA-256 of the address, because an index can't hold long addresses.
    key = models.CharField(max_length=64, primary_key=True)
    url = models.CharField(max_length=2000)
    status = models.PositiveSmallIntegerField()
    #: The headers that matter for reading and reusing it, names in lower case.
    headers = models.JSONField(default=dict)
    #: Compressed with zlib.
    body = models.BinaryField()
    size = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    #: When the host made the answer or last confirmed it.
    confirmed_at = models.DateTimeField()
    #: Until when it may be used without asking.
    fresh_until = models.DateTimeField()

    class Meta:
        indexes = [
            # The nightly clearing.
            models.Index(
                fields=["confirmed_at"], name="leads_storedpage_confirmed_idx"
            ),
        ]

    def __str__(self) -> str:
        return self.url
