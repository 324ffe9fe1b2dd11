"""The faults of the ledger use the fixtures of its own tests."""

from __future__ import annotations

from tests.tasks.conftest import (  # noqa: F401 - fixtures are found by name
    effects,
    rabbitmq,
    start_process,
    test_environment,
    trial_actors,
    wait_until,
)
