"""The one attempt of each claimed mail: compose, commit that it begins, deliver, record."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeVar

from django.db import InterfaceError, OperationalError, connection

from campaigns.claiming import Claimed
from campaigns.composing import compose
from campaigns.fates import AccountTrouble, Envelope, Fate, Outcome
from campaigns.models import Campaign, Email
from campaigns.recording import (
    Fence,
    LostClaim,
    Settled,
    Words,
    mark_data_started,
    release,
    settle_together,
)
from campaigns.states import CampaignState, EmailState
from campaigns.threads import Thread, threads_of
from campaigns.transports import Transport, transport_of
from fliptech_site.errors import InvalidInput

#: Composed mails held in memory, in bytes.
MOST_BYTES = 4_000_000
#: Seconds of composing at one go: a pause is obeyed, and others compose, in between.
COMPOSING_SECONDS = 0.5
#: Seconds after which no further mail is begun: the slowest one still has to end within
#: the actor's limit of two minutes.
MOST_SECONDS = 15.0
#: Seconds between two looks whether the campaign still runs.
LOOK_SECONDS = 1.0
#: Mails put off one after the other that make the rest wait, too.
MOST_PUT_OFF = 2
#: Seconds before each further try to record what happened.
PAUSES = (0.0, 0.2, 1.0, 3.0)

#: Held by the thread that composes many. Side by side they would take twice the time:
#: each call into libxml2 hands the interpreter over, and waits to get it back.
_COMPOSING = threading.Lock()

_T = TypeVar("_T")
_STATE_AFTER = {
    Fate.ACCEPTED: EmailState.SENT,
    Fate.TRY_LATER: EmailState.DEFERRED,
    Fate.ACCOUNT_TROUBLE: EmailState.DEFERRED,
    Fate.REFUSED: EmailState.FAILED,
    Fate.IN_DOUBT: EmailState.IN_DOUBT,
}


class CutShort(Enum):
    """Why the rest of the mails was given back."""

    NOT_WANTED = "the campaign does not run any more"
    TIME = "the time of one run is over"
    #: The account, or the server as a whole.
    TROUBLE = "the mails before could not be sent either"


@dataclass(slots=True)
class Result:
    """What a task needs to know of the attempts; the rows know the rest."""

    #: Why no mail of the account can be sent.
    trouble: str = ""
    #: Why the last one that was put off was put off.
    later: str = ""
    cut_short: CutShort | None = None


class _Letter(NamedTuple):
    email: Email
    fence: Fence
    subject: str
    content: bytes


@dataclass(slots=True)
class _Run:
    """The state of one run over claimed mails."""

    claimed: Claimed
    transport: Transport
    result: Result = field(default_factory=Result)
    ends_at: float = field(default_factory=lambda: time.monotonic() + MOST_SECONDS)
    looked_at: float = field(default_factory=time.monotonic)
    has_begun: bool = False
    put_off: int = 0

    def must_stop(self, campaign_id: int | None) -> bool:
        """Whether no further mail is to be begun; the result says why."""
        self.result.cut_short = self._reason_to_stop(campaign_id)
        return self.result.cut_short is not None

    def _reason_to_stop(self, campaign_id: int | None) -> CutShort | None:
        now = time.monotonic()
        if self.result.trouble or self.put_off >= MOST_PUT_OFF:
            return CutShort.TROUBLE
        # The first goes however long others composed: each run gets somewhere.
        if self.has_begun and now > self.ends_at:
            return CutShort.TIME
        if campaign_id is not None and now - self.looked_at > LOOK_SECONDS:
            self.looked_at = now
            running = Campaign.objects.filter(
                pk=campaign_id, state=CampaignState.RUNNING
            )
            if not running.exists():
                return CutShort.NOT_WANTED
        return None

    def note(self, outcome: Outcome) -> None:
        """Keep what the next mails and the task have to know."""
        self.has_begun = True
        is_put_off = outcome.fate is Fate.TRY_LATER
        self.put_off = self.put_off + 1 if is_put_off else 0
        if is_put_off:
            self.result.later = outcome.detail
        if outcome.fate is Fate.ACCOUNT_TROUBLE:
            self.result.trouble = outcome.detail


def attempt(claimed: Claimed, *, to_sink: bool) -> Result:
    """Attempt each claimed mail once and record what became of it."""
    if not claimed.emails:
        return Result()
    try:
        transport = transport_of(claimed.emails[0].account, to_sink=to_sink)
    except AccountTrouble as trouble:
        release(claimed.emails, str(trouble), claimed.counted)
        return Result(trouble=str(trouble))
    run = _Run(claimed, transport)
    is_alone = len(claimed.emails) == 1
    waiting = deque(claimed.emails)
    threads = threads_of(claimed.emails)
    while waiting and run.result.cut_short is None:
        # One alone may have to read what it answers; nobody waits for that.
        with nullcontext() if is_alone else _COMPOSING:
            letters, failed = _compose_some(waiting, claimed.demos, threads)
        _record(failed, claimed)
        _deliver(run, letters, is_alone=is_alone)
    _release(run, waiting)
    return run.result


def _compose_some(
    waiting: deque[Email], demos: Mapping[int, str], threads: Mapping[int, Thread]
) -> tuple[list[_Letter], list[Settled]]:
    """Compose the first of those that wait, as many as memory and time should take.

    Also says which can't be composed.
    """
    letters: list[_Letter] = []
    failed: list[Settled] = []
    size = 0
    until = time.monotonic() + COMPOSING_SECONDS
    while waiting and size <= MOST_BYTES and time.monotonic() < until:
        email = waiting.popleft()
        fence = Fence(email.pk, email.attempts)
        try:
            subject, content = compose(email, demos, threads)
        except InvalidInput as error:
            failed.append(Settled(fence, EmailState.FAILED, str(error)))
            continue
        letters.append(_Letter(email, fence, subject, content))
        size += len(content)
    return letters, failed


def _deliver(run: _Run, letters: list[_Letter], *, is_alone: bool) -> None:
    """Deliver composed mails one after the other, and record all outcomes together.

    One alone is marked right before its DATA; several are marked together.
    """
    if not letters or run.must_stop(letters[0].email.campaign_id):
        _release(run, [letter.email for letter in letters])
        return
    if not is_alone:
        letters = _mark(letters)
    done: list[Settled] = []
    rest: list[Email] = []
    for number, letter in enumerate(letters):
        if run.must_stop(letter.email.campaign_id):
            rest = [later.email for later in letters[number:]]
            break
        outcome = _deliver_one(run.transport, letter, is_alone=is_alone)
        if outcome is not None:
            run.note(outcome)
            state = _STATE_AFTER[outcome.fate]
            done.append(
                Settled(letter.fence, state, outcome.detail, outcome.provider_id)
            )
    _record(done, run.claimed)
    _release(run, rest)


def _deliver_one(
    transport: Transport, letter: _Letter, *, is_alone: bool
) -> Outcome | None:
    """Make the one attempt of a claim; None when the claim was lost on the way."""
    email = letter.email
    envelope = Envelope(email.account.from_address, email.address, letter.content)

    def begin() -> None:
        if not _mark([letter]):
            raise LostClaim(f"E-mail {email.pk} is in other hands.")

    try:
        return transport.deliver(envelope, before_data=begin if is_alone else None)
    except LostClaim:
        return None


def _mark(letters: Sequence[_Letter]) -> list[_Letter]:
    """Commit that these mails begin; give those that are still in our hands."""
    begun = {
        letter.fence: Words(letter.subject, letter.email.words_hash)
        for letter in letters
    }
    ours = _persist(lambda: mark_data_started(begun))
    return [letter for letter in letters if letter.fence.email_id in ours]


def _record(done: Sequence[Settled], claimed: Claimed) -> None:
    if done:
        _persist(lambda: settle_together(done, claimed.counted))


def _release(run: _Run, emails: Collection[Email]) -> None:
    if emails:
        reason = run.result.cut_short or CutShort.TIME
        detail = run.result.trouble or run.result.later or f"Not begun: {reason.value}."
        _persist(lambda: release(emails, detail, run.claimed.counted))


def _persist(write: Callable[[], _T]) -> _T:
    """Write, again on a new connection if the old one was cut.

    What is written is fenced and says the same each time. Without this each cut session
    would leave a mail in doubt whose fate is known here.
    """
    for pause in PAUSES:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(pause)
    return write()
