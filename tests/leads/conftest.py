"""A web server for each test, and settings that allow it and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from leads.consents import record_consent
from leads.throttling import Patience
from tests.leads.web import Web, serving

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("leads", deadline=None)
hypothesis.settings.load_profile("leads")


@pytest.fixture
def web(settings) -> Iterator[Web]:
    with Web() as server:
        thread = serving(server)
        settings.FETCH_ALLOWED_PRIVATE = [f"*.localhost:{server.port}"]
        settings.FETCH_DELAY_MS = 0
        settings.FETCH_RETRIES = 0
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def craigslist(web: Web, settings, db) -> Web:
    """The web with Craigslist's address on it and consent recorded."""
    settings.CRAIGSLIST_URL = f"http://craigslist.localhost:{web.port}"
    record_consent("craigslist", settings.CRAIGSLIST_URL)
    return web


@pytest.fixture
def patience() -> Patience:
    return Patience(5)
