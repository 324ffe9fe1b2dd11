"""What all tests share: folders of their own, and RabbitMQ or a clear sentence."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
from django.conf import settings as django_settings
from hypothesis import settings as hypothesis_settings

from tasks.handover import handover
from tasks.waking import listener

NO_RABBITMQ = (
    "This test needs a real RabbitMQ and there is none: run ./deploy/test.sh, which"
    " starts one (apt-get install rabbitmq-server), or set RABBITMQ_URL."
)

# How long an example takes says how busy the machine is, and nothing about the code.
hypothesis_settings.register_profile("fliptech", deadline=None)
hypothesis_settings.load_profile("fliptech")


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path_factory) -> None:
    """Let everything that is written at run time go to a folder of this test process."""
    var = _folder_of_this_process(tmp_path_factory)
    settings.VAR_DIR = var
    settings.DEMO_ROOT = var / "demos"
    settings.MEDIA_ROOT = var / "media"
    settings.STATIC_ROOT = var / "static"
    # WhiteNoise warns of a missing folder in every test that has a client.
    settings.STATIC_ROOT.mkdir(exist_ok=True)


def _folder_of_this_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The base is another one in every xdist worker.
    folder = tmp_path_factory.getbasetemp() / "var"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def _no_handover(request, monkeypatch) -> None:
    """Leave publishing to those tests that ask for a RabbitMQ."""
    if "rabbitmq_url" not in request.fixturenames:
        monkeypatch.setattr(handover, "offer", lambda deliveries: None)


@pytest.fixture(autouse=True)
def _no_listener_left() -> Iterator[None]:
    """Let no connection outlive its test, so that the database can be dropped."""
    yield
    listener.stop()


@pytest.fixture
def rabbitmq_url(settings) -> Iterator[str]:
    """A real RabbitMQ; the queues of this test have names of their own and go again."""
    url = django_settings.RABBITMQ_URL
    if not url:
        pytest.fail(NO_RABBITMQ, pytrace=False)
    prefix = f"test-{uuid.uuid4().hex[:12]}."
    settings.RABBITMQ_QUEUE_PREFIX = prefix
    try:
        yield url
    finally:
        handover.stop()
        _delete_queues(url, [f"{prefix}{queue}" for queue in settings.QUEUES])


def _delete_queues(url: str, names: list[str]) -> None:
    try:
        with pika.BlockingConnection(pika.URLParameters(url)) as connection:
            channel = connection.channel()
            for name in names:
                channel.queue_delete(name)
    except pika.exceptions.AMQPConnectionError:
        # The test took the server away; its queues were in a throw-away node.
        return
