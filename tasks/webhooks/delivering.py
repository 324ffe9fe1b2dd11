"""Try a delivery: one request, and a record of what came of it.

The try is counted before the request and its outcome recorded after it. A worker that
dies in between leaves a delivery that is tried again with the same id: it comes at least
once, and receivers tell a second copy by its id.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from fliptech_site import outbound
from fliptech_site.addresses import AddressRefused, parse_target
from fliptech_site.errors import (
    InvalidInput,
    PermanentError,
    RateLimited,
    TransientError,
)
from fliptech_site.retry_after import retry_after_seconds
from tasks.current import current_claim
from tasks.leases import keeping, take
from tasks.models import Webhook, WebhookDelivery
from tasks.webhooks.judging import Judgement, Verdict, crowd_seconds, judge
from tasks.webhooks.keeping import secrets_of
from tasks.webhooks.signing import headers

#: One try takes no longer, and no more of the answer is read.
LIMITS = outbound.Limits(seconds=10.0, bytes=4096)
#: Characters of the answer that are kept.
KEPT_ANSWER = 500
#: Requests to one receiver at the same time, so that a slow one can't hold all workers.
SLOTS = 4
#: Seconds until the slot of a worker that died is free again.
LEASE_SECONDS = 12.0
#: Seconds between two looks for a key that is missing.
KEY_SECONDS = 300.0

_State = WebhookDelivery.State

_RECORD = """
UPDATE tasks_webhookdelivery SET
    state = %(state)s, status = %(status)s, error = %(error)s, answer = %(answer)s,
    delivered_at = CASE WHEN %(state)s = 'delivered' THEN clock_timestamp() END,
    history = history || %(history)s::jsonb
WHERE id = %(id)s AND state = 'waiting'
"""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of one request; without a status none came, for `problem`."""

    status: int | None = None
    text: str = ""
    problem: str = ""
    retry_after: float | None = None
    is_refused_here: bool = False
    elapsed_ms: int = 0


def deliver(delivery_id: str) -> dict[str, Any]:
    """Try a delivery once; return its state.

    Raises TransientError or RateLimited when it is to be tried again, PermanentError
    when it has failed.
    """
    delivery = (
        WebhookDelivery.objects.select_related("webhook")
        .filter(pk=delivery_id, state=_State.WAITING)
        .first()
    )
    if delivery is None:
        return {"state": "settled before"}
    if delivery.webhook is not None and not delivery.webhook.is_enabled:
        _waiting(delivery).update(
            state=_State.DROPPED, error="Its webhook is switched off."
        )
        return {"state": _State.DROPPED.value}
    try:
        secrets_valid = secrets_of(delivery, timezone.now())
    except InvalidInput as error:
        # The installation's trouble, not the delivery's: it may wait.
        raise TransientError(str(error), retry_after=KEY_SECONDS) from error
    with _slot(parse_target(delivery.url).host_port):
        # Committed before the socket opens, so that a try that nobody ends is seen.
        _waiting(delivery).update(tries=F("tries") + 1, tried_at=timezone.now())
        answer = _post(delivery, secrets_valid)
    judgement = _judge(delivery, answer)
    _record(delivery, answer, judgement)
    if judgement.verdict is Verdict.AGAIN:
        raise TransientError(judgement.reason, retry_after=judgement.delay_seconds)
    if judgement.verdict is Verdict.FAILED:
        raise PermanentError(judgement.reason)
    return {"state": judgement.verdict.value, "status": answer.status}


def _waiting(delivery: WebhookDelivery) -> Any:
    return WebhookDelivery.objects.filter(pk=delivery.pk, state=_State.WAITING)


@contextmanager
def _slot(host_port: str) -> Iterator[None]:
    lease = take(f"webhook:{host_port}", limit=SLOTS, lease_seconds=LEASE_SECONDS)
    if lease is None:
        held = current_claim()
        waits = held.attempt - held.failures - 1 if held else 0
        raise RateLimited(
            f"{SLOTS} requests to {host_port} are on their way already.",
            retry_after=crowd_seconds(waits, random.random()),  # noqa: S311 - jitter
        )
    with keeping(lease):
        yield


def _post(delivery: WebhookDelivery, secrets_valid: Sequence[str]) -> _Answer:
    body = delivery.body.encode()
    now = datetime.now(UTC)
    signed = headers(secrets_valid, delivery.event_id, int(now.timestamp()), body)
    told = {"Content-Type": "application/json", "Accept": "*/*", **signed}
    started = time.monotonic()
    try:
        response = outbound.post(delivery.url, body, headers=told, limits=LIMITS)
    except AddressRefused as error:
        return _Answer(problem=str(error), is_refused_here=True)
    except outbound.Unreachable as error:
        elapsed_ms = round((time.monotonic() - started) * 1000)
        return _Answer(problem=str(error), elapsed_ms=elapsed_ms)
    return _Answer(
        status=response.status,
        text=response.text.replace("\x00", "")[:KEPT_ANSWER],
        retry_after=retry_after_seconds(
            response.headers.get("retry-after"), now=datetime.now(UTC)
        ),
        elapsed_ms=round((time.monotonic() - started) * 1000),
    )


def _judge(delivery: WebhookDelivery, answer: _Answer) -> Judgement:
    if answer.is_refused_here:
        return Judgement(Verdict.FAILED, answer.problem)
    held = current_claim()
    return judge(
        answer.status,
        reason=answer.problem,
        retry_after=answer.retry_after,
        failures=held.failures if held else delivery.tries,
        seconds_left=(delivery.give_up_at - timezone.now()).total_seconds(),
        dice=random.random(),  # noqa: S311 - jitter, not a secret
    )


def _record(delivery: WebhookDelivery, answer: _Answer, judgement: Judgement) -> None:
    state = {
        Verdict.DELIVERED: _State.DELIVERED,
        Verdict.AGAIN: _State.WAITING,
    }.get(judgement.verdict, _State.FAILED)
    entry = {
        "at": timezone.now().isoformat(),
        "status": answer.status,
        "error": judgement.reason,
        "milliseconds": answer.elapsed_ms,
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                _RECORD,
                {
                    "id": delivery.pk,
                    "state": state.value,
                    "status": answer.status,
                    "error": judgement.reason,
                    "answer": answer.text,
                    "history": json.dumps([entry]),
                },
            )
        if judgement.verdict is Verdict.GONE and delivery.webhook is not None:
            Webhook.objects.filter(pk=delivery.webhook.pk).update(
                is_enabled=False, problem=judgement.reason
            )
