"""Fetch a page politely, and say what happened: a typed outcome, never an exception.

robots.txt is obeyed on every hop, a host is asked at its own pace by all workers
together, and each fetch is a row that is written before the request goes out.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from fliptech_site import outbound
from fliptech_site.addresses import AddressRefused, parse_target
from fliptech_site.errors import FlipTechError, RateLimited
from fliptech_site.retry_after import retry_after_seconds
from leads.fetch_keeping import begin_fetch, end_fetch
from leads.judging import FEED_TYPES, HTML_TYPES, judge, wall_in
from leads.models import Fetch, Lead, ScrapeJob
from leads.outcomes import Outcome
from leads.pacing_rules import RetryBudget, wait_before_try
from leads.robots import is_known, robots_for
from leads.stored_pages import PageStore, content_hash
from leads.throttling import (
    MAX_STRIKES,
    Patience,
    forget_refusals,
    note_answer,
    note_failure,
    pause_host,
    usual_delay,
    wait_for_turn,
)

#: Tries again of this process, together for all hosts.
_budget = RetryBudget()


@dataclass(frozen=True)
class Page:
    """What came of a fetch; `text` is there when the outcome is ok or partial."""

    url: str
    outcome: Outcome
    reason: str = ""
    #: Where redirects led; the base of the page's links.
    final_url: str = ""
    #: The addresses that led there, oldest first.
    redirects: tuple[str, ...] = ()
    status: int | None = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    elapsed_ms: int = 0
    #: Seconds until the host may be asked again, None when it named no time.
    retry_after: float | None = None
    #: The host itself was at fault: down, gone, broken. Trying later may help.
    is_host_down: bool = False
    fetched_at: datetime = field(default_factory=timezone.now)
    fetch_id: int | None = None
    #: Requests that it took.
    attempts: int = 1
    #: What of a stored answer was used: a `Fetch.Reuse` value, empty for none.
    reuse: str = ""
    #: SHA-256 of the body, empty without text.
    content_hash: str = ""

    @property
    def has_text(self) -> bool:
        """Whether there is something to read."""
        return self.outcome in (Outcome.OK, Outcome.PARTIAL)

    def rate_limit(self) -> RateLimited:
        """Give the error that lets a task wait for this host."""
        return RateLimited(self.reason, retry_after=self.retry_after or 30.0)


class _Denied(FlipTechError):
    """Raised between two hops when robots.txt forbids the next one."""

    def __init__(self, reason: str, *, is_host_down: bool) -> None:
        super().__init__(reason)
        self.is_host_down = is_host_down


def fetch(
    url: str,
    *,
    patience: Patience,
    job: ScrapeJob | None = None,
    lead: Lead | None = None,
    limits: outbound.Limits | None = None,
    kinds: Collection[str] = HTML_TYPES,
) -> Page:
    """Fetch one page of text; what goes wrong is the page's outcome and reason.

    `patience` bounds the waiting for turns and pauses of the hosts; what would take
    longer comes back as `rate_limited` with `retry_after`. `kinds` are the media types
    that count as text to read. A stored answer that is fresh is used without asking.
    """
    row = begin_fetch(url, Fetch.Purpose.PAGE, host=_host_of(url), job=job, lead=lead)
    asker = _Asker(patience, limits, kinds, job, lead)
    return _end(row, _fetch(url, asker))


def ask(
    url: str,
    *,
    patience: Patience,
    headers: Mapping[str, str],
    limits: outbound.Limits,
    body: bytes | None = None,
    job: ScrapeJob | None = None,
) -> Page:
    """Ask an interface that we have a key for; its key is its leave, not robots.txt.

    With a body it is a POST. No redirect is followed: it would carry the key away. The
    page keeps its text whatever the status: refusals explain themselves there.
    """
    row = begin_fetch(url, Fetch.Purpose.INTERFACE, host=_host_of(url), job=job)
    try:
        wait_for_turn(_host_of(url), None, patience)
        if body is None:
            here = replace(limits, redirects=0)
            response = outbound.get(url, limits=here, headers=headers)
        else:
            response = outbound.post(url, body, headers=headers, limits=limits)
    except (FlipTechError, AddressRefused) as error:
        return _end(row, _without_answer(url, error))
    page = _classify(url, response, FEED_TYPES)
    _note(page)
    return _end(row, replace(page, text=response.text))


def _end(row: Fetch, page: Page) -> Page:
    end_fetch(
        row,
        finished_at=page.fetched_at,
        final_url=page.final_url,
        redirects=page.redirects,
        status=page.status,
        outcome=page.outcome,
        reason=page.reason,
        bytes=page.size,
        elapsed_ms=page.elapsed_ms,
        attempts=page.attempts,
        reuse=page.reuse,
        content_hash=page.content_hash,
    )
    return replace(page, fetch_id=row.pk)


def _host_of(url: str) -> str:
    try:
        return parse_target(url).host_port
    except AddressRefused:
        return ""


@dataclass(frozen=True)
class _Asker:
    """Who asks, and how: the same for all tries and hops of one fetch."""

    patience: Patience
    limits: outbound.Limits | None
    kinds: Collection[str]
    job: ScrapeJob | None
    lead: Lead | None


def _fetch(url: str, asker: _Asker) -> Page:
    """Ask, and ask again while that may help and neither patience nor budget ends."""
    attempt = 1
    while True:
        page = replace(_try(url, asker), attempts=attempt)
        if not _is_worth_another_try(page, attempt):
            return page
        wait = wait_before_try(
            attempt,
            random.random(),  # noqa: S311 - jitter is no secret
            unit=usual_delay(),
        )
        try:
            asker.patience.sleep(wait, reason=page.reason)
        except RateLimited:
            return page
        attempt += 1


def _is_worth_another_try(page: Page, attempt: int) -> bool:
    if not page.is_host_down or page.outcome != Outcome.ERROR:
        return False
    return attempt <= settings.FETCH_RETRIES and _budget.spend()


def _try(url: str, asker: _Asker) -> Page:
    store = PageStore()
    hops: list[str] = []
    _budget.earn()

    def approach(hop: str) -> None:
        hops.append(hop)
        _approach(hop, asker)

    try:
        response = outbound.get(
            url,
            limits=asker.limits,
            headers=_accept(asker.kinds),
            before_hop=approach,
            store=store,
        )
    except (FlipTechError, AddressRefused) as error:
        return replace(_without_answer(url, error), redirects=tuple(hops[:-1]))
    page = _classify(url, response, asker.kinds)
    if store.reuse != "fresh":
        _note(page)
    return replace(page, reuse=store.reuse)


def _without_answer(url: str, error: Exception) -> Page:
    if isinstance(error, RateLimited):
        return Page(
            url, Outcome.RATE_LIMITED, str(error), retry_after=error.retry_after
        )
    if isinstance(error, _Denied):
        denied = Outcome.DENIED_BY_ROBOTS
        return Page(url, denied, str(error), is_host_down=error.is_host_down)
    if isinstance(error, outbound.Unreachable):
        note_failure(_host_of(url))
        return Page(url, Outcome.ERROR, str(error), is_host_down=True)
    if isinstance(error, AddressRefused | outbound.TooManyRedirects):
        return Page(url, Outcome.ERROR, str(error))
    raise error


def _accept(kinds: Collection[str]) -> dict[str, str] | None:
    return None if kinds is HTML_TYPES else {"Accept": ", ".join(kinds)}


def _approach(url: str, asker: _Asker) -> None:
    """Ask robots.txt, then wait for the turn; called before every hop."""
    host = parse_target(url).host_port
    if not is_known(url):
        # robots.txt is a request like any other, at the pace of every host.
        wait_for_turn(host, None, asker.patience)
    robots = robots_for(url, job=asker.job, lead=asker.lead)
    if not robots.allows(url):
        is_down = bool(robots.reason)
        reason = robots.reason or f"robots.txt of {host} forbids this page."
        raise _Denied(reason, is_host_down=is_down)
    wait_for_turn(host, robots.rules.delay_seconds, asker.patience)


def _note(page: Page) -> None:
    """Let the host's answer set the pace of all workers."""
    host = _host_of(page.final_url)
    if page.is_host_down or page.outcome in (Outcome.RATE_LIMITED, Outcome.BLOCKED):
        note_failure(host)
    else:
        note_answer(host, page.elapsed_ms / 1000)


def _classify(url: str, response: outbound.Response, kinds: Collection[str]) -> Page:
    content_type = response.headers.get("Content-Type", "")
    outcome, reason = judge(response.status, content_type, response.body, kinds=kinds)
    text = response.text if outcome == Outcome.OK or response.status == 503 else ""
    if text and (wall := wall_in(text)):
        outcome, reason = Outcome.BLOCKED, wall
    retry_after = None
    host = parse_target(response.url).host_port
    if outcome == Outcome.RATE_LIMITED:
        asked = retry_after_seconds(
            response.headers.get("Retry-After"), now=timezone.now()
        )
        pause = pause_host(host, seconds=asked, reason=f"{host}: {reason}")
        retry_after = max((pause.until - timezone.now()).total_seconds(), 0.1)
        if pause.strikes >= MAX_STRIKES:
            outcome = Outcome.BLOCKED
            reason = f"The host refused {pause.strikes} times in a row ({reason})"
    else:
        forget_refusals(host)
    if outcome == Outcome.OK and response.is_truncated:
        outcome = Outcome.PARTIAL
        reason = (
            f"The page is longer than the {len(response.body)} bytes that are read."
        )
    has_text = outcome in (Outcome.OK, Outcome.PARTIAL)
    return Page(
        url=url,
        outcome=outcome,
        reason=reason,
        final_url=response.url,
        redirects=response.redirected_from,
        status=response.status,
        text=text if has_text else "",
        headers=response.headers,
        size=len(response.body),
        elapsed_ms=response.elapsed_ms,
        retry_after=retry_after,
        is_host_down=response.status >= 500,
        content_hash=content_hash(response.body) if has_text else "",
    )
