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
