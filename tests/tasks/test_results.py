"""Results through Dramatiq's API: of tasks, and of messages that are none."""

from __future__ import annotations

import threading
import uuid

import dramatiq
import pytest
from django.db import connection, transaction
from dramatiq.brokers.stub import StubBroker
from dramatiq.encoder import PickleEncoder
from dramatiq.middleware import Retries
from dramatiq.results import ResultFailure, ResultMissing, Results, ResultTimeout

from tasks import claiming, waking
from tasks.controlling import cancel
from tasks.enqueueing import enqueue
from tasks.models import StoredResult, Task
from tasks.results import PostgresResultBackend
from tasks.waking import listener
from tests.tasks.trial_actors import trial_add

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 60_000


@pytest.fixture
def backend():
    return PostgresResultBackend()


def foreign_message(message_id=None):
    """A message of some other broker."""
    return dramatiq.Message(
        "default", "far", (), {}, {}, message_id=message_id or str(uuid.uuid4())
    )


@pytest.fixture
def waiting():
    """Wait for results in threads of their own; gives what each of them got."""
    threads = []

    def start(message, backend=None, timeout=20_000):
        got = []

        def run():
            try:
                got.append(
                    message.get_result(backend=backend, block=True, timeout=timeout)
                )
            except ResultFailure as error:
                got.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        threads.append(thread)
        return thread, got

    yield start
    for thread in threads:
        thread.join(25)


# --- messages that are no tasks ------------------------------------------------


@pytest.mark.parametrize("value", [42, None, {"a": [1, None, "ü"]}, "", 0])
def test_what_was_stored_comes_back(backend, value):
    message = foreign_message()
    backend.store_result(message, value, LONG)
    assert backend.get_result(message) == value


def test_an_exception_comes_back_as_dramatiq_wraps_it(backend):
    message = foreign_message()
    backend.store_exception(message, ValueError("no"), LONG)
    with pytest.raises(ResultFailure, match="actor raised ValueError: no") as failure:
        backend.get_result(message)
    assert (failure.value.orig_exc_type, failure.value.orig_exc_msg) == (
        "ValueError",
        "no",
    )


@pytest.mark.parametrize("message_id", [None, "no-uuid"])
def test_what_is_not_there_is_missing(backend, message_id):
    message = foreign_message(message_id)
    with pytest.raises(ResultMissing):
        backend.get_result(message)
    with pytest.raises(ResultTimeout):
        backend.get_result(message, block=True, timeout=30)
    with pytest.raises(ResultMissing):
        backend.get_result(message)


def test_a_result_is_gone_after_its_time(backend):
    message = foreign_message()
    backend.store_result(message, 1, LONG)
    StoredResult.objects.update(expires_at="2000-01-01T00:00Z")
    with pytest.raises(ResultMissing):
        backend.get_result(message)
    with pytest.raises(ResultTimeout):
        backend.get_result(message, block=True, timeout=30)


def test_namespaces_do_not_meet():
    message = foreign_message()
    first, second = (PostgresResultBackend(namespace=name) for name in "ab")
    first.store_result(message, 1, LONG)
    second.store_result(message, 2, LONG)
    assert (first.get_result(message), second.get_result(message)) == (1, 2)


def test_keys_may_be_readable_and_the_encoder_ones_own():
    backend = PostgresResultBackend(
        encoder=PickleEncoder(), use_namespace_prefix_keys=True
    )
    message = foreign_message()
    backend.store_result(message, {1, 2}, LONG)
    assert backend.get_result(message) == {1, 2}
    assert StoredResult.objects.get().key.startswith("dramatiq-results:default:far:")


def test_another_broker_with_dramatiqs_middleware_stores_here(backend):
    broker = StubBroker(middleware=[Retries(max_retries=0), Results(backend=backend)])

    @dramatiq.actor(broker=broker, store_results=True)
    def far(x):
        return {"twice": 2 * x}

    @dramatiq.actor(broker=broker, store_results=True)
    def fails():
        raise RuntimeError("as it happens")

    class Closing(dramatiq.Middleware):
        def before_worker_thread_shutdown(self, broker, thread):
            connection.close()

    broker.add_middleware(Closing())
    broker.emit_after("process_boot")
    worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=2)
    worker.start()
    try:
        message, failing = far.send(21), fails.send()
        assert message.get_result(backend=backend, block=True) == {"twice": 42}
        with pytest.raises(ResultFailure, match="as it happens"):
            failing.get_result(backend=backend, block=True)
    finally:
        worker.stop()


def test_a_waiter_is_woken_by_the_result(backend, waiting, monkeypatch, wait_until):
    monkeypatch.setattr(waking, "BLIND_FIRST_SECONDS", 30.0)
    message = foreign_message()
    thread, got = waiting(message, backend)
    wait_until(lambda: StoredResult.objects.filter(is_awaited=True).exists())
    backend.store_result(message, 7, LONG)
    thread.join(10)
    assert got == [7]


# --- tasks ----------------------------------------------------------------------


@pytest.fixture
def message_and_claim():
    message = trial_add.send(1, 2)
    return message, claiming.claim(uuid.UUID(message.message_id), None)


def is_marked():
    return Task.objects.filter(is_awaited=True).exists() and listener.is_listening


@pytest.mark.parametrize("kind", ["succeeded", "failed", "cancelled"])
def test_a_waiter_is_woken_by_every_end(
    kind, message_and_claim, waiting, monkeypatch, wait_until
):
    monkeypatch.setattr(waking, "LOOK_SECONDS", 30.0)
    message, held = message_and_claim
    thread, got = waiting(message)
    wait_until(is_marked)
    if kind == "succeeded":
        claiming.succeed(held, 3)
    elif kind == "failed":
        claiming.fail(held, error_class="E", message="no", traceback="")
    else:
        claiming.cancel_running(held)
    thread.join(10)
    assert got == [3] if kind == "succeeded" else isinstance(got[0], ResultFailure)


def test_a_waiting_task_that_is_cancelled_wakes_its_waiter(
    waiting, monkeypatch, wait_until
):
    monkeypatch.setattr(waking, "LOOK_SECONDS", 30.0)
    message = trial_add.send(1, 2)
    thread, got = waiting(message)
    wait_until(is_marked)
    cancel(uuid.UUID(message.message_id))
    thread.join(10)
    assert isinstance(got[0], ResultFailure)


def test_an_end_that_is_just_being_committed_is_not_missed(
    message_and_claim, waiting, monkeypatch
):
    """The waiter's mark waits for the row; then its look finds the end."""
    monkeypatch.setattr(waking, "LOOK_SECONDS", 30.0)
    message, held = message_and_claim
    with transaction.atomic():
        claiming.succeed(held, 3)
        thread, got = waiting(message)
        thread.join(0.3)
        assert not got
    thread.join(10)
    assert got == [3]


def test_nobody_is_notified_of_ends_that_nobody_waits_for(message_and_claim):
    _, held = message_and_claim
    with listener.waiting([f"task:{held.task_id}"]) as woken:
        woken.clear()
        claiming.succeed(held, 3)
        assert not woken.wait(0.1)


def test_inside_a_transaction_waiting_holds_up_nobody(message_and_claim, waiting):
    """A mark would lock the row until the caller's commit, against the worker."""
    message, held = message_and_claim
    ended = threading.Event()

    def end():
        claiming.succeed(held, 3)
        connection.close()
        ended.set()

    with transaction.atomic():
        with pytest.raises(ResultTimeout):
            message.get_result(block=True, timeout=30)
        threading.Thread(target=end).start()
        assert message.get_result(block=True, timeout=5000) == 3
        assert ended.wait(5)


def test_a_task_is_answered_from_its_row_alone(backend, message_and_claim):
    message, _ = message_and_claim
    backend.store_result(message, "something else", LONG)
    with pytest.raises(ResultMissing):
        backend.get_result(message)
    assert not Task.objects.get(pk=enqueue("trial_add", a=1, b=1)).is_awaited
