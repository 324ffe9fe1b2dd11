"""A mail, a provider's server on this machine, and one way to hand over the one to the other."""

from __future__ import annotations

import pytest
from django.utils import timezone

from campaigns.fates import Envelope
from campaigns.messages import Letter, build
from campaigns.providers import delivering
from tests.campaigns.providers.handing_over import MESSAGE_ID
from tests.campaigns.web_server import WebServer


@pytest.fixture
def letter():
    content = build(
        Letter(
            from_name="Ada of Brightside",
            from_address="ada@brightside.example",
            reply_to="replies@brightside.example",
            to_address="bo@b.example",
            subject="Grüße from Ada",
            html="<p>Hello <b>Bö</b></p>",
            text="Hello Bö",
            message_id=MESSAGE_ID,
            date=timezone.now(),
            unsubscribe_url="https://brightside.example/stop/1",
        )
    )
    return Envelope("ada@brightside.example", "bo@b.example", content)


@pytest.fixture(scope="module")
def running():
    with WebServer() as running:
        yield running


@pytest.fixture
def web(running):
    running.asked.clear()
    running.answer = 200
    return running


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(delivering, "PAUSES", (0.0, 0.0))
