"""Traces: from enqueue to every attempt, and to what a run enqueues."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from dramatiq import Message, MessageProxy, pipeline
from dramatiq.middleware import Shutdown
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from fliptech_site.errors import PermanentError, RateLimited
from tasks import claiming, ledger, recording, tracing
from tasks.broker import get_broker
from tasks.enqueueing import enqueue, enqueue_many
from tasks.models import Task
from tasks.states import State
from tests.tasks.trial_actors import trial_add


@pytest.fixture
def spans(monkeypatch):
    """What was exported so far, in the order of its end."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    monkeypatch.setattr(tracing, "get_tracer", lambda: tracer)
    yield exporter.get_finished_spans
    provider.shutdown()


@pytest.fixture
def run(monkeypatch):
    """Run a task in this thread through the middleware, in the order of settings."""
    monkeypatch.setattr(ledger, "close_old_connections", lambda: None)
    guard = ledger.Ledger()
    monkeypatch.setattr(
        guard._claims, "ask", lambda ids: claiming.claim_together(ids, None)
    )
    monkeypatch.setattr(guard._endings, "put", lambda _, end: recording.end_alone(end))
    chain = [tracing.EndSpan(), guard, tracing.BeginSpan()]

    def run(task_id, body=lambda: 3):
        message = MessageProxy(
            Message("default", "trial_add", (), {}, {}, message_id=str(task_id))
        )
        came = {"result": None, "exception": None}
        for one in chain:
            one.before_process_message(get_broker(), message)
        try:
            came["result"] = body()
        except BaseException as error:  # noqa: BLE001 - as Dramatiq does
            came["exception"] = error
        for one in reversed(chain):
            one.after_process_message(get_broker(), message, **came)

    return run


def due_again(task_id):
    Task.objects.filter(pk=task_id, state=State.SCHEDULED).update(state=State.QUEUED)


def raising(error):
    def body():
        raise error

    return body


@pytest.mark.django_db
class TestSpans:
    def test_a_run_stands_below_its_enqueue_in_one_trace(self, spans, run):
        task_id = enqueue("trial_add", a=1, b=2)
        run(task_id)
        sent, ran = spans()
        assert (sent.name, sent.kind) == ("enqueue trial_add", SpanKind.PRODUCER)
        assert (ran.name, ran.kind) == ("run trial_add", SpanKind.CONSUMER)
        assert ran.context.trace_id == sent.context.trace_id
        assert ran.parent.span_id == sent.context.span_id
        assert dict(ran.attributes) == {
            "messaging.system": ran.attributes["messaging.system"],
            "messaging.destination.name": "default",
            "messaging.operation.name": "run",
            "messaging.operation.type": "process",
            "messaging.message.id": str(task_id),
            "fliptech.task.actor": "trial_add",
            "fliptech.task.attempt": 1,
            "fliptech.task.outcome": "succeeded",
        }
        assert ran.status.status_code is not StatusCode.ERROR

    def test_every_attempt_is_a_span_of_the_same_trace(self, spans, run):
        task_id = enqueue("trial_add", a=1, b=2)
        run(task_id, raising(RuntimeError("a surprise")))
        due_again(task_id)
        run(task_id)
        sent, first, second = spans()
        assert {one.parent.span_id for one in (first, second)} == {sent.context.span_id}
        assert [one.attributes["fliptech.task.attempt"] for one in (first, second)] == [
            1,
            2,
        ]
        assert first.status.status_code is StatusCode.ERROR
        (event,) = first.events
        assert event.attributes["exception.message"] == "a surprise"
        assert "test_tracing.py" in event.attributes["exception.stacktrace"]

    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (PermanentError("no"), "failed"),
            (RateLimited("later", retry_after=1), "deferred"),
            (RuntimeError("a surprise"), "retried"),
            (Shutdown(), "returned"),
        ],
    )
    def test_the_outcome_is_the_ledgers(self, spans, run, error, outcome):
        run(enqueue("trial_add", a=1, b=2), raising(error))
        ran = spans()[-1]
        assert ran.attributes["fliptech.task.outcome"] == outcome
        assert ran.attributes["error.type"] == type(error).__name__

    def test_what_json_can_not_hold_has_failed(self, spans, run):
        run(enqueue("trial_add", a=1, b=2), lambda: {1, 2})
        assert spans()[-1].attributes["fliptech.task.outcome"] == "failed"

    def test_what_a_run_enqueues_joins_its_trace(self, spans, run):
        run(enqueue("trial_add", a=1, b=2), lambda: str(enqueue("trial_add", a=3, b=4)))
        _, child, ran = spans()
        assert child.name == "enqueue trial_add"
        assert child.parent.span_id == ran.context.span_id

    def test_what_follows_a_run_in_its_end_joins_its_trace(self, spans, run):
        first = trial_add.message(1, 2)
        pipeline([first, trial_add.message(3)]).run()
        run(first.message_id)
        _, follower, ran = spans()
        assert follower.parent.span_id == ran.context.span_id

    def test_a_run_leaves_nothing_in_its_thread(self, spans, run):
        run(enqueue("trial_add", a=1, b=2))
        assert not get_current_span().get_span_context().is_valid
        enqueue("trial_add", a=1, b=2)
        assert spans()[-1].parent is None

    def test_a_batch_is_one_span_and_all_its_runs_stand_below(self, spans, run):
        ids = enqueue_many("trial_add", [{"a": 1, "b": n} for n in range(3)])
        for task_id in ids:
            run(task_id)
        sent, *runs = spans()
        assert sent.attributes["messaging.batch.message_count"] == 3
        assert {one.parent.span_id for one in runs} == {sent.context.span_id}

    def test_a_mangled_context_starts_a_trace_of_its_own(self, spans, run):
        task_id = enqueue("trial_add", a=1, b=2)
        Task.objects.update(options={"traceparent": ["not", "one"]})
        run(task_id)
        assert spans()[-1].parent is None

    def test_a_message_that_finds_nothing_to_claim_leaves_no_span(self, spans):
        message = MessageProxy(
            Message("default", "trial_add", (), {}, {}, message_id="none")
        )
        tracing.BeginSpan().before_process_message(get_broker(), message)
        tracing.EndSpan().after_skip_message(get_broker(), message)
        assert spans() == ()

    def test_without_an_exporter_a_row_carries_nothing(self, run):
        assert tracing.get_tracer() is None
        run(enqueue("trial_add", a=1, b=2))
        assert Task.objects.get().options == {}


@contextmanager
def collector():
    """An OTLP receiver; gives its address and the spans that it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            for one in ExportTraceServiceRequest.FromString(body).resource_spans:
                got.extend(span for scope in one.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.django_db(transaction=True)
class TestProcesses:
    """Real processes and OTLP over HTTP."""

    def test_two_processes_send_one_trace(self, rabbitmq, start_process, wait_until):
        with collector() as (address, got):
            tracing_on = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": address,
                "OTEL_BSP_SCHEDULE_DELAY": "100",
            }
            start_process("worker", "--queues=default", "--threads=1", **tracing_on)
            start_process("task", "send", "debug_task", **tracing_on)
            wait_until(lambda: len(got) == 2)
        sent, ran = sorted(got, key=lambda span: span.name)
        assert (sent.name, ran.name) == ("enqueue debug_task", "run debug_task")
        assert (ran.trace_id, ran.parent_span_id) == (sent.trace_id, sent.span_id)

    def test_a_collector_that_is_away_holds_nothing_up(
        self, rabbitmq, start_process, wait_until
    ):
        nobody = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
        worker = start_process("worker", "--queues=default", "--threads=1", **nobody)
        ids = enqueue_many("trial_add", [{"a": 1, "b": 2}] * 20)
        done = Task.objects.filter(pk__in=ids, state=State.SUCCEEDED)
        wait_until(lambda: done.count() == 20)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0
