"""How a scrape ends: its outcome, the reason, and why it read no further."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from leads.drifting import judge_fill_rates
from leads.models import Fetch, ScrapeJob
from leads.outcomes import Outcome

Stop = ScrapeJob.Stop


def set_waiting(job: ScrapeJob, reason: str) -> None:
    """Leave a job for later; its task comes back to it."""
    job.state, job.reason = ScrapeJob.State.WAITING, reason
    job.save(update_fields=["state", "reason", "counts", "filled", "updated_at"])


def finish_blocked(job: ScrapeJob, reason: str) -> None:
    """Finish a job that the source refused in the middle."""
    found = job.counts["leads_found"]
    outcome = Outcome.PARTIAL if found else Outcome.BLOCKED
    told = f"After {found} leads the source refused: {reason}"
    finish(job, outcome, told, stop=Stop.REFUSED)


def finish_read(job: ScrapeJob, *, gave_up: bool) -> None:
    """Finish a job whose list was read, by what became of its postings."""
    states = list(job.postings.values_list("state", flat=True))
    unread = sum(state in ("new", "unreadable") for state in states)
    bad_rows = job.counts.get("unreadable_rows", 0)
    stop = Stop.FAILURES if gave_up else _stop_of_whole(job)
    if not unread and not bad_rows:
        is_empty = not job.counts["leads_found"]
        reason = "Everything that was listed has been removed." if is_empty else ""
        outcome = Outcome.EMPTY if is_empty else Outcome.OK
        finish(job, outcome, reason, stop=stop)
    elif job.counts["leads_found"]:
        total = len(states) + bad_rows
        reason = f"{unread + bad_rows} of {total} listings could not be read."
        finish(job, Outcome.PARTIAL, reason, stop=stop)
    else:
        example = job.postings.filter(state="unreadable").first()
        why = example.reason if example else "its rows have no known links."
        told = f"None of the listings could be read: {why}"
        finish(job, Outcome.ERROR, told, stop=stop)


def _stop_of_whole(job: ScrapeJob) -> Stop:
    if job.counts.get("left_out"):
        return Stop.MAX_RESULTS
    is_new = job.counts["leads_found"] > job.counts["leads_known"]
    return Stop.END_OF_LIST if is_new or not job.counts["listed"] else Stop.NOTHING_NEW


def finish(job: ScrapeJob, outcome: Outcome, reason: str, *, stop: Stop) -> None:
    """Finish a job; one whose fields fell far below the usual has changed mark-up."""
    with transaction.atomic():
        if fallen := judge_fill_rates(job):
            told = f"Fields are stated far more rarely than before ({fallen})."
            reason = " ".join(part for part in (reason, told) if part)
            if outcome in (Outcome.OK, Outcome.PARTIAL):
                outcome = Outcome.MARKUP_CHANGED
        job.state, job.outcome, job.reason = ScrapeJob.State.FINISHED, outcome, reason
        job.stop_reason, job.finished_at = stop, timezone.now()
        job.counts.pop("counted", None)
        job.counts["pages"] = _pages_of(job)
        job.save()


def _pages_of(job: ScrapeJob) -> int:
    """Count the answers by their rows: a worker that died took its own count along."""
    asked = job.fetches.exclude(purpose=Fetch.Purpose.ROBOTS)
    return asked.exclude(outcome="").count()
