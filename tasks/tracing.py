"""Traces from enqueue to attempt, sent by OpenTelemetry where an exporter is configured.

A span `enqueue <actor>` and, for each attempt, a span `run <actor>` below it: its context
travels in the options of the task's row, as W3C has it. What a run enqueues belongs to
the same trace. Nothing of OpenTelemetry is imported before the first task of a process
that has an exporter; without one each hook costs a look at a cached None.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dramatiq
from django.conf import settings

from tasks.current import Claim, current_claim
from tasks.sealing import SEALED, is_row_sealed

if TYPE_CHECKING:
    from contextvars import Token

    from dramatiq import Broker, MessageProxy
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

#: Option of a task that carries the context of the span that enqueued it.
TRACEPARENT = "traceparent"
#: Seconds that one request to the collector may take.
EXPORT_SECONDS = 3.0


@functools.cache
def get_tracer() -> Tracer | None:
    """Return the tracer of this process; None where no exporter is configured.

    A provider that somebody else has set up, such as an instrumentation, is used.
    """
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return None
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(_make_provider())
    return trace.get_tracer("fliptech.tasks")


def _make_provider() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(
        endpoint=f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces",
        timeout=EXPORT_SECONDS,
    )
    # From a thread of its own, which drops spans when the collector does not keep up.
    provider = TracerProvider(
        resource=Resource.create({"service.name": "fliptech-pro"})
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


@contextmanager
def enqueueing(
    actor: str, queue: str, options: Mapping[str, Any], task_ids: list[Any]
) -> Iterator[dict[str, Any]]:
    """Open the span of an enqueue; give the options that carry its context."""
    tracer = get_tracer()
    if tracer is None:
        yield dict(options)
        return
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator,
    )

    attributes = _attributes(actor, queue, "enqueue", "send")
    if len(task_ids) == 1:
        attributes["messaging.message.id"] = str(task_ids[0])
    else:
        attributes["messaging.batch.message_count"] = len(task_ids)
    with tracer.start_as_current_span(
        f"enqueue {actor}", kind=SpanKind.PRODUCER, attributes=attributes
    ):
        carrier: dict[str, Any] = {}
        TraceContextTextMapPropagator().inject(carrier)
        yield {**options, **carrier}


@dataclass
class _Run:
    """The span of the run in this thread, and how to leave its context."""

    held: Claim
    span: Span
    token: Token[Context]


_runs = threading.local()


class EndSpan(dramatiq.Middleware):
    """Stands before the ledger, so that it comes after the end has been decided."""

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """End the span of this thread's run, if there is one."""
        run: _Run | None = getattr(_runs, "run", None)
        if run is None:
            return
        from opentelemetry import context
        from opentelemetry.trace import Status, StatusCode

        _runs.run = None
        try:
            outcome = run.held.outcomes[-1] if run.held.outcomes else "unknown"
            run.span.set_attribute("fliptech.task.outcome", outcome)
            if exception is not None:
                name = type(exception).__name__
                run.span.set_attribute("error.type", name)
                told = f"{name}: {exception}"
                if is_row_sealed(run.held):
                    told = f"{name} ({SEALED})"
                else:
                    run.span.record_exception(exception)
                run.span.set_status(Status(StatusCode.ERROR, told))
        finally:
            run.span.end()
            context.detach(run.token)

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """A run may end by skipping."""
        self.after_process_message(broker, message)


class BeginSpan(dramatiq.Middleware):
    """Stands behind the ledger: there is a claim, whose options carry the context."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Open the span of the run below the one that enqueued the task."""
        tracer = get_tracer()
        held = current_claim()
        if tracer is None or held is None:
            return
        from opentelemetry import context, trace
        from opentelemetry.trace.propagation.tracecontext import (
            TraceContextTextMapPropagator,
        )

        attributes = _attributes(held.actor, held.queue, "run", "process")
        attributes["messaging.message.id"] = str(held.task_id)
        attributes["fliptech.task.attempt"] = held.attempt
        # From an empty context: nothing of the run before in this thread.
        parent = TraceContextTextMapPropagator().extract(
            {TRACEPARENT: str(held.options.get(TRACEPARENT, ""))}, context.Context()
        )
        span = tracer.start_span(
            f"run {held.actor}",
            context=parent,
            kind=trace.SpanKind.CONSUMER,
            attributes=attributes,
        )
        token = context.attach(trace.set_span_in_context(span, parent))
        _runs.run = _Run(held, span, token)


def _attributes(
    actor: str, queue: str, operation: str, kind: str
) -> dict[str, str | int]:
    """Return what OpenTelemetry's conventions for messaging ask for, and the actor."""
    return {
        "messaging.system": "rabbitmq" if settings.RABBITMQ_URL else "fliptech",
        "messaging.destination.name": queue,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "fliptech.task.actor": actor,
    }
