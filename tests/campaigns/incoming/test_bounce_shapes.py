"""Each mail server words its notices in its own way; all are understood."""

from __future__ import annotations

import pytest

from campaigns.incoming.classifying import Kind, classify
from tests.campaigns.incoming.gateway_notices import GATEWAYS, JAPAN
from tests.campaigns.incoming.server_notices import SERVERS

SHAPES = SERVERS | GATEWAYS | JAPAN


@pytest.mark.parametrize("name", SHAPES)
def test_a_notice_of_its_shape_is_understood(name):
    shape = SHAPES[name]
    found = classify(shape.raw())
    assert found.kind == Kind.BOUNCE
    (failed,) = found.recipients
    assert failed.address == shape.address
    assert (failed.status, failed.reason, failed.hard) == (
        shape.status,
        shape.reason,
        shape.hard,
    )
