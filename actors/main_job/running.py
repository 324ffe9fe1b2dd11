"""Run the funnel on the sample territory, stage after stage, and follow its tasks."""

from __future__ import annotations

import time
from uuid import UUID

from django.conf import settings

from actors.main_job import counting
from actors.main_job.following import (
    Line,
    TimeIsUp,
    is_a_worker_alive,
    unfinished_roots,
)
from actors.main_job.funnel import Funnel
from actors.main_job.loading import load_sample, sample_url
from actors.main_job.showing import Progress
from campaigns.models import Campaign
from campaigns.states import CampaignState
from fliptech_site.errors import InvalidInput
from tasks.enqueueing import enqueue, enqueue_many
from tasks.states import State

#: Marks the tasks of this job, so that a run joins what an earlier one left behind.
KEY_PREFIX = "main-job:"
#: Seconds that workers have for their start before their absence is mentioned.
_PATIENCE_SECONDS = 5.0


class MainJob:
    """One run: enqueues what is missing, waits, and counts what came of it."""

    def __init__(self, progress: Progress, timeout_seconds: float) -> None:
        self._progress = progress
        self._line = Line(time.monotonic() + timeout_seconds)
        self._patient_until = time.monotonic() + min(timeout_seconds, _PATIENCE_SECONDS)
        self._said_no_worker = False
        self._campaign: Campaign
        self._before: Funnel

    def run(self) -> Funnel:
        """Run all stages and return the funnel; raises InvalidInput and TimeIsUp.

        After TimeIsUp `funnel` still tells what there is.
        """
        check_settings()
        self._campaign = load_sample().campaign
        self._before = counting.count(self._campaign)
        self._line.add(unfinished_roots(KEY_PREFIX))
        # A stage that has nothing to work on is not begun: a campaign that is launched
        # without an audience would be over before its first mail.
        if self._gather() and self._build_demos():
            self._send()
        return self.funnel()

    def funnel(self) -> Funnel:
        """Count what there is, and what of it is this run's."""
        return counting.since(
            self._before, counting.count(self._campaign), self._line.by_state()
        )

    def _gather(self) -> bool:
        self._progress.begin("1/4 Gather and score leads")
        self._line.add(
            [
                enqueue(
                    "scrape_craigslist",
                    unique_key=f"{KEY_PREFIX}gather",
                    location="sfbay",
                    category="bbb",
                    max_results=100,
                )
            ]
        )
        self._wait()
        now = self.funnel()
        self._progress.end(
            f"{now.leads_found} found, {now.leads_new} new, {now.leads_scored} scored"
        )
        return now.leads_scored > 0

    def _build_demos(self) -> bool:
        self._progress.begin("2/4 Build demo sites")
        missing = counting.leads_without_demo()
        self._line.add(
            enqueue_many(
                "generate_demo_site", [{"lead_id": lead_id} for lead_id in missing]
            )
        )
        self._wait()
        now = self.funnel()
        self._progress.end(f"{now.demos_published} published, {now.demos_new} now")
        return now.demos_published > 0

    def _send(self) -> None:
        self._progress.begin("3/4 Launch the campaign")
        self._line.add(self._launch())
        self._wait()
        self._progress.end(f"{self._campaign.name} is launched")
        self._progress.begin("4/4 Send e-mails")
        self._line.wait(self._has_no_open_mail)
        now = self.funnel()
        self._progress.end(
            f"{now.emails_sent} sent, {now.emails_new} now,"
            f" {now.emails_in_doubt} in doubt"
        )

    def _launch(self) -> list[UUID]:
        """Launch the campaign; one that was launched before only takes in new leads."""
        self._campaign.refresh_from_db()
        state = CampaignState(self._campaign.state)
        if state in (CampaignState.DRAFT, CampaignState.FINISHED):
            key = f"{KEY_PREFIX}launch"
            campaign_id = self._campaign.pk
            return [
                enqueue(
                    "launch_campaign_async", unique_key=key, campaign_id=campaign_id
                )
            ]
        if state not in (CampaignState.RUNNING, CampaignState.LAUNCHING):
            self._progress.say(
                f"{self._campaign.name} is {state.label}: nothing is sent until somebody"
                " starts it again in admin (Invite > Campaigns)."
            )
        return []

    def _wait(self) -> None:
        self._line.wait(self._look)

    def _look(self, tasks: dict[str, int]) -> bool:
        ended = sum(tasks.get(state, 0) for state in (State.SUCCEEDED, State.FAILED))
        self._progress.update(f"{ended} of {sum(tasks.values())} tasks done")
        is_late = time.monotonic() > self._patient_until
        if is_late and not self._said_no_worker and not is_a_worker_alive():
            self._said_no_worker = True
            self._progress.say(
                "No worker gives a sign of life; the tasks are stored and wait:"
                " start one with `manage.py workers`."
            )
        return True

    def _has_no_open_mail(self, tasks: dict[str, int]) -> bool:
        self._look(tasks)
        sent, waiting = counting.mails(self._campaign)
        self._progress.update(f"{sent} sent, {waiting} on their way")
        return not waiting


def check_settings() -> None:
    """Raise InvalidInput unless this installation is set to use the sample territory."""
    if sample_url() != settings.CRAIGSLIST_URL:
        raise InvalidInput(
            f"CRAIGSLIST_URL is {settings.CRAIGSLIST_URL}: the main job runs on the"
            f" sample territory only, so set it to {sample_url()} for all processes."
        )
    port = settings.SAMPLE_PORT
    if not {f"*.localhost:{port}", f"*:{port}"} & set(settings.FETCH_ALLOWED_PRIVATE):
        raise InvalidInput(
            "FETCH_ALLOWED_PRIVATE doesn't hold the sample territory: add"
            f" *.localhost:{port} to it for all processes."
        )


__all__ = ["MainJob", "TimeIsUp"]
