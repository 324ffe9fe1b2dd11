"""Keep a scrape's row true: begin it or go on, count, wait, finish with an outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from fliptech_site.errors import TransientError
from leads.drift_rules import counted
from leads.fetching import Page
from leads.job_endings import Stop, finish, set_waiting
from leads.merging import Kind
from leads.models import Lead, Posting, ScrapeJob
from leads.outcomes import Outcome
from leads.records import LeadRecord
from tasks.current import current_claim
from tasks.enqueueing import enqueue


def open_job(source: str, parameters: Mapping[str, Any]) -> ScrapeJob:
    """Give the unfinished job for these parameters, or begin one.

    A task that is run again because its worker died after the job's end gets that job:
    it is finished, and nothing is left to do.
    """
    claim = current_claim()
    now = timezone.now()
    if claim and (ended := _ended_by(claim.task_id, source, parameters)):
        return ended
    job, _ = ScrapeJob.objects.exclude(state=ScrapeJob.State.FINISHED).get_or_create(
        source=source,
        parameters=dict(parameters),
        defaults={"counts": no_counts(), "started_at": now},
    )
    job.state = ScrapeJob.State.RUNNING
    job.task_id = claim.task_id if claim else job.task_id
    job.save(update_fields=["state", "task_id", "updated_at"])
    return job


def _ended_by(
    task_id: UUID, source: str, parameters: Mapping[str, Any]
) -> ScrapeJob | None:
    """Give the job that a run of this task brought to its end.

    One without a stop reason was finished by the monitoring, because its task had failed.
    """
    ended = ScrapeJob.objects.filter(task_id=task_id, state=ScrapeJob.State.FINISHED)
    same = ended.filter(source=source, parameters=dict(parameters))
    return same.exclude(stop_reason="").first()


def no_counts() -> dict[str, int]:
    """Give the counts with which a job begins."""
    names = ("found", "created", "merged", "known")
    return {f"leads_{name}": 0 for name in names} | {"listed": 0, "pages": 0}


def end_without_list(job: ScrapeJob, page: Page) -> bool:
    """Finish, or leave the job waiting and let the error decide about the next try.

    Returns False. Raises RateLimited and TransientError.
    """
    if page.outcome == Outcome.RATE_LIMITED:
        set_waiting(job, page.reason)
        raise page.rate_limit()
    if page.is_host_down and may_try_again():
        set_waiting(job, page.reason)
        raise TransientError(page.reason)
    end_job(job, page.outcome, page.reason)
    return False


def may_try_again() -> bool:
    """Say whether the running task has attempts left."""
    claim = current_claim()
    return claim is not None and claim.failures + 1 < claim.max_attempts


def count(job: ScrapeJob, kind: Kind) -> None:
    """Count one lead, and save."""
    job.counts["leads_found"] += 1
    job.counts[f"leads_{kind.value}"] += 1
    job.save(update_fields=["counts", "filled", "updated_at"])


def mark(posting: Posting, state: Posting.State, reason: str) -> None:
    """Write what became of a listing."""
    posting.state, posting.reason, posting.read_at = state, reason, timezone.now()
    posting.save(update_fields=["state", "reason", "read_at", "last_seen_at"])


def note_filled(job: ScrapeJob, records: Iterable[LeadRecord]) -> None:
    """Count which fields these records fill; not saved.

    What a person chose and saved is no measure of the source.
    """
    if not job.parameters.get("path"):
        for record in records:
            job.filled = counted(job.filled, record.values)


def send_on(lead: Lead) -> None:
    """Enqueue what comes next: a visit of the website, or the scoring."""
    actor = "scrape_website" if lead.website else "analyze_lead"
    enqueue(actor, lead_id=lead.pk, unique_key=f"{actor}:{lead.pk}")


def end_job(
    job: ScrapeJob, outcome: Outcome, reason: str, *, stop: Stop | None = None
) -> None:
    """Finish a job that needs its cursor no more; the outcome says why it stopped."""
    job.cursor = {}
    finish(job, outcome, reason, stop=stop or _stop_of(job, outcome))


def _stop_of(job: ScrapeJob, outcome: Outcome) -> Stop:
    if outcome in (Outcome.BLOCKED, Outcome.DENIED_BY_ROBOTS):
        return Stop.REFUSED
    if outcome not in (Outcome.OK, Outcome.EMPTY, Outcome.PARTIAL):
        return Stop.NO_LIST
    found, known = job.counts["leads_found"], job.counts["leads_known"]
    if found >= job.parameters["max_results"]:
        return Stop.MAX_RESULTS
    return Stop.NOTHING_NEW if found and found == known else Stop.END_OF_LIST
