"""Scrapes, the pages they asked for and the consent they stand on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from leads.outcomes import Outcome
from leads.web_addresses import validate_web_address


class ScrapeJob(models.Model):
    """One scrape of one source, from its first request to its outcome."""

    class State(models.TextChoices):
        """Where the job stands."""

        #: A worker is at it; `updated_at` moves.
        RUNNING = "running", "running"
        #: Set aside until a limit allows more, or until the task is tried again.
        WAITING = "waiting", "waiting"
        #: Done; `outcome` says how.
        FINISHED = "finished", "finished"

    class Stop(models.TextChoices):
        """Why a scrape read no further."""

        #: Everything that the source lists was read.
        END_OF_LIST = "end_of_list", "end of list"
        #: As many as were asked for.
        MAX_RESULTS = "max_results", "as many as asked for"
        #: The list shows nothing that was not read before.
        NOTHING_NEW = "nothing_new", "nothing new"
        #: The source refused, or its robots.txt forbids it.
        REFUSED = "refused", "refused"
        #: Too many pages in a row failed.
        FAILURES = "failures", "failures in a row"
        #: The list could not be had or not be read.
        NO_LIST = "no_list", "no list"

    source = models.CharField(max_length=30)
    parameters = models.JSONField(default=dict)
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.RUNNING
    )
    outcome = models.CharField(max_length=20, choices=Outcome.choices, blank=True)
    reason = models.TextField(blank=True)
    #: leads_found, leads_created, leads_merged, leads_known, pages.
    counts = models.JSONField(default=dict)
    #: Where a scrape of several requests goes on; emptied at its end.
    cursor = models.JSONField(default=dict)
    stop_reason = models.CharField(max_length=12, choices=Stop.choices, blank=True)
    #: Field name -> listings that state it, among those that this job read.
    filled = models.JSONField(default=dict)
    task_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="finished") | ~models.Q(outcome=""),
                name="leads_scrapejob_outcome_valid",
                violation_error_message="A finished scrape has an outcome.",
            ),
            # Two scrapes of the same thing at the same time are one scrape.
            models.UniqueConstraint(
                fields=["source", "parameters"],
                condition=~models.Q(state="finished"),
                name="leads_scrapejob_unfinished_uniq",
            ),
        ]
        indexes = [
            # Admin's list, newest first, and the yearly clearing.
            models.Index(fields=["-created_at"], name="leads_scrapejob_created_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.source} #{self.pk}"

    @property
    def reader(self) -> str:
        """What its pages are read by: its source, or the board of it."""
        board = self.parameters.get("board")
        return f"{self.source}:{board}"[:30] if board else self.source

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.state == self.State.FINISHED

    def as_result(self) -> dict[str, Any]:
        """Give what an actor returns about this job."""
        return {
            "job_id": self.pk,
            "outcome": str(self.outcome),
            "reason": self.reason,
            **self.counts,
        }


class Posting(models.Model):
    """One listing seen at a source: the frontier and the seen-set in one table."""

    class State(models.TextChoices):
        """What became of the listing."""

        #: Seen in a list, its page not yet read.
        NEW = "new", "new"
        #: Its page was read and is a lead.
        READ = "read", "read"
        #: Taken down by its author, expired or flagged.
        REMOVED = "removed", "removed"
        #: Its page could not be read; the reason says why.
        UNREADABLE = "unreadable", "unreadable"

    source = models.CharField(max_length=30)
    key = models.CharField(max_length=200, help_text="The source's own id.")
    url = models.CharField(max_length=1000)
    title = models.CharField(max_length=300, blank=True)
    place = models.CharField(max_length=200, blank=True)
    #: Whom the source's terms want named beside what is shown of it.
    attribution = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEW)
    reason = models.TextField(blank=True)
    job = models.ForeignKey(
        ScrapeJob, null=True, on_delete=models.SET_NULL, related_name="postings"
    )
    lead = models.ForeignKey(
        "leads.Lead", null=True, on_delete=models.SET_NULL, related_name="postings"
    )
    #: SHA-256 of what the list says of it, and of what its page says.
    row_hash = models.CharField(max_length=64, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(auto_now=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "key"], name="leads_posting_source_key_uniq"
            ),
        ]
        indexes = [
            # The nightly clearing of what no list shows any more.
            models.Index(fields=["last_seen_at"], name="leads_posting_last_seen_idx"),
        ]

    def __str__(self) -> str:
        return self.title or self.key


class Fetch(models.Model):
    """One request to a stranger: written before it goes out, completed after it.

    A row without an outcome is a request whose process died.
    """

    class Purpose(models.TextChoices):
        """What was asked for; figures of pages leave the others out."""

        #: A page, a list or a feed, to be read.
        PAGE = "page", "page"
        #: The robots.txt of a page's origin, which is asked before the page.
        ROBOTS = "robots", "robots.txt"
        #: An interface that we have a key for.
        INTERFACE = "interface", "interface"

    class Reuse(models.TextChoices):
        """What of an earlier answer was used again."""

        #: The stored answer was fresh: nobody was asked.
        FRESH = "fresh", "fresh"
        #: The host confirmed the stored answer (304).
        CONFIRMED = "confirmed", "confirmed"

    job = models.ForeignKey(
        ScrapeJob, null=True, on_delete=models.SET_NULL, related_name="fetches"
    )
    lead = models.ForeignKey(
        "leads.Lead", null=True, on_delete=models.SET_NULL, related_name="fetches"
    )
    purpose = models.CharField(
        max_length=10, choices=Purpose.choices, default=Purpose.PAGE
    )
    url = models.CharField(max_length=2000)
    final_url = models.CharField(max_length=2000, blank=True)
    #: The addresses that led to the last one by redirect, oldest first.
    redirects = models.JSONField(default=list)
    host = models.CharField(max_length=260)
    status = models.PositiveSmallIntegerField(null=True)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, blank=True)
    reason = models.TextField(blank=True)
    bytes = models.PositiveIntegerField(default=0)
    elapsed_ms = models.PositiveIntegerField(null=True)
    #: Requests that it took; none when a stored answer was fresh.
    attempts = models.PositiveSmallIntegerField(default=1)
    reuse = models.CharField(max_length=12, choices=Reuse.choices, blank=True)
    #: SHA-256 of the body, to see whether a page has changed.
    content_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "fetches"
        indexes = [
            # "Has this host failed before?" and the nightly clearing.
            models.Index(fields=["host", "-created_at"], name="leads_fetch_host_idx"),
            models.Index(fields=["created_at"], name="leads_fetch_created_idx"),
        ]

    def __str__(self) -> str:
        return self.url


class FieldBaseline(models.Model):
    """How often a source's listings state a field, by what jobs before have seen."""

    source = models.CharField(max_length=30)
    field = models.CharField(max_length=30)
    #: 0 to 1, smoothed over jobs.
    rate = models.FloatField()
    #: Jobs that made up the rate.
    jobs = models.PositiveIntegerField(default=1)
    #: The rate of the last job that was large enough to be judged.
    last_rate = models.FloatField()
    #: That job stated the field so rarely that the mark-up has probably changed.
    is_drifting = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "field"], name="leads_fieldbaseline_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} of {self.source}"


class SourceConsent(models.Model):
    """The owner's recorded decision to use a source whose terms forbid automation."""

    source = models.CharField(max_length=30)
    base_url = models.CharField(
        max_length=300,
        validators=[validate_web_address],
        help_text="https://www.craigslist.org",
    )
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT
    )
    acknowledged_at = models.DateTimeField(auto_now_add=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "base_url"], name="leads_sourceconsent_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} at {self.base_url}"
