"""Rows past their time go; those that still say something stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks import pruning
from tasks.models import Counter, Lease, Pace, Signal, StoredResult
from tasks.pruning import prune_expired_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    def make(moment):
        name = moment.isoformat()
        Counter.objects.create(key=name, value=1, expires_at=moment)
        Signal.objects.create(key=name, expires_at=moment)
        StoredResult.objects.create(key=name, value=b"1", expires_at=moment)
        Lease.objects.create(key=name, owner="", expires_at=moment)
        Pace.objects.create(key=name, next_at=moment)

    return make


def test_what_is_past_its_time_goes_in_batches_and_the_rest_stays(rows, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 2)
    now = datetime.now(UTC)
    for number in range(1, 6):
        rows(now - timedelta(minutes=number))
    rows(now + timedelta(minutes=1))
    assert prune_expired_rows() == 25
    kinds = (Counter, Signal, StoredResult, Lease, Pace)
    assert [kind.objects.count() for kind in kinds] == [1] * 5
    assert prune_expired_rows() == 0
