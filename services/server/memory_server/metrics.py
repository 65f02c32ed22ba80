"""Prometheus metrics, served on a port of their own that the stack does not publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import start_http_server

from memory_server import __version__

# Edges at 1 s and 5 s: the service goals for reads and writes.
REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# Few: a scrape carries each of them for every kind of call there is.
CALL_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10, 30)

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """All metrics of one server; a registry of its own, so that tests can make many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "mem0_server_requests_total",
            "Requests by route, method and status.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "mem0_server_request_duration_seconds",
            "Time to answer a request.",
            ["route", "method"],
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.call_seconds = Histogram(
            "mem0_server_call_duration_seconds",
            "Time of one call of a store or of the model.",
            ["target", "operation"],
            buckets=CALL_BUCKETS,
            registry=self.registry,
        )
        self.call_errors = Counter(
            "mem0_server_call_errors_total",
            "Calls of a store or of the model that failed.",
            ["target", "operation"],
            registry=self.registry,
        )
        self.memories_written = Counter(
            "mem0_server_memory_events_total",
            "Memories added, updated and deleted.",
            ["event"],
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        Info("mem0_server", "Version of the server's API.", registry=self.registry).info({"version": __version__})
        self._server: WSGIServer | None = None

    def gauge(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """Register a value that is read when Prometheus asks."""
        Gauge(name, help_text, registry=self.registry).set_function(value)

    @contextmanager
    def call(self, target: str, operation: str) -> Iterator[None]:
        """Measure one call of a store or of the model."""
        started = time.perf_counter()
        try:
            yield
        except BaseException:
            self.call_errors.labels(target, operation).inc()
            raise
        finally:
            self.call_seconds.labels(target, operation).observe(time.perf_counter() - started)

    def serve(self, port: int) -> None:
        """Start answering scrapes, in a thread of its own. 0 does nothing."""
        if port:
            self._server, _ = start_http_server(port, registry=self.registry)

    def close(self) -> None:
        """Stop answering scrapes."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
