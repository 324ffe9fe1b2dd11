"""What a test of this folder is: one case of the reference, shown on both systems."""

from __future__ import annotations

import pytest

from tests.peers.systems import FlipTechPro, PlainDramatiq


def case(number: str, plain: str, *, on: str = "system") -> pytest.MarkDecorator:
    """Let a test run on FlipTech Pro, and on plain Dramatiq, where it has to fail.

    `number` names the case as docs/promises.md does; `plain` says what Dramatiq does
    instead. Only a claim of the test itself may fail there: helpers raise other errors.
    `on` is the fixture that gives the system.
    """
    return pytest.mark.parametrize(
        on,
        [
            pytest.param(FlipTechPro, id=f"{number}-FlipTech Pro"),
            pytest.param(
                PlainDramatiq,
                id=f"{number}-plain Dramatiq",
                marks=pytest.mark.xfail(
                    strict=True, raises=AssertionError, reason=f"{number}: {plain}"
                ),
            ),
        ],
        indirect=True,
    )
