"""A model beside the ledger: random lives of tasks, compared after every step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from fliptech_site.errors import InvalidInput
from tasks import claiming, controlling, relaying
from tasks.current import Claim
from tasks.enqueueing import enqueue
from tasks.models import Attempt, Task
from tasks.rescuing import rescue_expired

ERROR = {"error_class": "E", "message": "m", "traceback": "t"}


@dataclass
class Known:
    """What the model believes of one task."""

    state: str
    attempts: list[str] = field(default_factory=list)
    claims: int = 0
    #: Workers that died under it since a person last let it run again.
    deaths: int = 0


class Ledger(RuleBasedStateMachine):
    """Every verb of the ledger, in any order, with stale claims kept and used again."""

    tasks: Bundle[UUID] = Bundle("tasks")
    claims: Bundle[Claim | None] = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        self.known: dict[UUID, Known] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._atomic.__exit__(None, None, None)

    def _holds(self, held: Claim | None) -> bool:
        if held is None:
            return False
        known = self.known[held.task_id]
        return known.state == "running" and known.claims == held.attempt

    def _ended(self, held: Claim, answer: bool, state: str, outcome: str) -> None:
        assert answer == self._holds(held)
        if answer:
            self.known[held.task_id].state = state
            self.known[held.task_id].attempts.append(outcome)

    @rule(target=tasks, is_later=st.booleans())
    def enqueue_one(self, is_later):
        run_at = datetime.now(UTC) + timedelta(days=1) if is_later else None
        task_id = enqueue("trial_add", a=1, b=2, run_at=run_at)
        self.known[task_id] = Known("scheduled" if is_later else "queued")
        return task_id

    @rule(task_id=tasks)
    def its_time_comes(self, task_id):
        Task.objects.filter(pk=task_id, state="scheduled").update(
            run_at=datetime.now(UTC)
        )
        released = {one.task_id for one in relaying.release_due()}
        assert released == (
            {task_id} if self.known[task_id].state == "scheduled" else set()
        )
        for one in released:
            self.known[one].state = "queued"

    @rule(target=claims, task_id=tasks)
    def claim(self, task_id):
        held = claiming.claim(task_id, None)
        assert (held is not None) == (self.known[task_id].state == "queued")
        if held is not None:
            self.known[task_id].state = "running"
            self.known[task_id].claims += 1
            assert held.attempt == self.known[task_id].claims
        return held

    @rule(
        held=claims,
        how=st.sampled_from(["succeed", "fail", "retry", "defer", "return", "cancel"]),
    )
    def end(self, held, how):
        if held is None:
            return
        if how == "succeed":
            self._ended(held, claiming.succeed(held, 3), "succeeded", "succeeded")
        elif how == "fail":
            self._ended(held, claiming.fail(held, **ERROR), "failed", "failed")
        elif how in ("retry", "defer"):
            is_burnt = how == "retry"
            answer = claiming.retry(
                held, delay_seconds=9999, is_burnt=is_burnt, **ERROR
            )
            self._ended(
                held, answer, "scheduled", "retried" if is_burnt else "deferred"
            )
        elif how == "return":
            self._ended(held, claiming.give_back(held), "queued", "returned")
        else:
            self._ended(held, claiming.cancel_running(held), "cancelled", "cancelled")

    @rule(task_id=tasks)
    def its_worker_dies(self, task_id):
        past = datetime.now(UTC) - timedelta(seconds=1)
        Task.objects.filter(pk=task_id, state="running").update(lease_until=past)
        rescued = rescue_expired()
        known = self.known[task_id]
        assert rescued == (known.state == "running")
        if rescued:
            known.attempts.append("lost")
            known.deaths += 1
            # From the second time on it comes back a little later, not at once.
            fates = {1: "queued", 2: "scheduled", 3: "scheduled"}
            known.state = fates.get(known.deaths, "failed")

    @rule(task_id=tasks)
    def cancel(self, task_id):
        state = controlling.cancel(task_id)
        known = self.known[task_id]
        if known.state in ("scheduled", "queued"):
            known.state = "cancelled"
        assert state == known.state

    @rule(task_id=tasks)
    def run_again_by_hand(self, task_id):
        known = self.known[task_id]
        if known.state in ("failed", "cancelled"):
            controlling.retry(task_id)
            known.state, known.deaths = "queued", 0
        else:
            with pytest.raises(InvalidInput):
                controlling.retry(task_id)

    @invariant()
    def the_rows_say_what_the_model_says(self):
        rows = dict(Task.objects.values_list("pk", "state"))
        assert {one: rows.get(one) for one in self.known} == {
            one: known.state for one, known in self.known.items()
        }

    @invariant()
    def every_run_that_ended_is_an_attempt(self):
        for task_id, known in self.known.items():
            outcomes = Attempt.objects.filter(task=task_id).order_by("number")
            assert [one.outcome for one in outcomes] == known.attempts


@pytest.mark.django_db
def test_the_ledger_agrees_with_its_model_in_every_order_of_steps():
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
