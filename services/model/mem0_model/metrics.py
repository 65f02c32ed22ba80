"""What the service counts, in Prometheus' text format."""

import time
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

#: Seconds; 1 and 5 are the service goals for reads and writes.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one service instance, in a registry of their own."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, pending: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "model_request_seconds",
            "Time to answer a request",
            ["route", "status"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self.texts = Counter("model_texts", "Texts embedded", registry=self._registry)
        self.steps = Counter(
            "model_steps", "mem0's requests answered", ["step"], registry=self._registry
        )
        gauge = Gauge("model_pending_jobs", "Jobs that run or wait", registry=self._registry)
        gauge.set_function(pending)

    async def observe(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Middleware: measure a request under its route, so that foreign paths make no series."""
        start = time.perf_counter()
        status = 500
        try:
            response = await call_next(request)
            status = response.status_code
            return response
        finally:
            route = getattr(request.scope.get("route"), "path", "other")
            self._requests.labels(route=route, status=str(status)).observe(
                time.perf_counter() - start
            )

    def page(self) -> bytes:
        """Return the page that Prometheus reads."""
        return generate_latest(self._registry)
