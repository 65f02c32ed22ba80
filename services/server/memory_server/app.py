"""The application: builds the parts, connects them, starts and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memory_server import __version__, docs_page, errors, logs, old_moments, openapi
from memory_server.auth import Keyring
from memory_server.chat_check import ChatCheck
from memory_server.front import FrontDoor
from memory_server.graph import Graph
from memory_server.history import History
from memory_server.identity import Identity, Refused
from memory_server.intents import Intents
from memory_server.limits import BodyLimit, Lanes, RateLimiter
from memory_server.maintenance import Gate, Hold
from memory_server.memory_store import MemoryStore
from memory_server.metrics import Metrics
from memory_server.model_client import ModelClient
from memory_server.postgres import Postgres
from memory_server.routes import admin, memories, system, transfer
from memory_server.settings import Settings
from memory_server.transfer import Transfer

DESCRIPTION = """\
A personal memory: upstream mem0's REST API, with every key, every error and every store accounted for.

Every request but `/health` needs the header `X-API-Key`. Errors are problem documents (RFC 9457)."""

STREAMED = frozenset({"/import"})
EXPIRE_EVERY_S = 3600.0


def create_app(settings: Settings, on_refused: Callable[[str], None] = lambda _: None) -> FastAPI:
    """Build the server. `on_refused` is called with the reason when the stores turn out not to be ours."""
    app = FastAPI(
        title="mem0", version=__version__, description=DESCRIPTION, lifespan=_lifespan, docs_url=None, redoc_url=None
    )
    state = app.state
    state.settings = settings
    state.on_refused = on_refused
    state.metrics = metrics = Metrics()
    state.gate = Gate()
    state.hold = Hold()
    state.postgres = Postgres(settings, metrics)
    state.graph = Graph(settings, metrics)
    state.history = History(settings.history_db_path, metrics, settings.store_timeout_s)
    state.model = ModelClient(settings, metrics)
    state.chat_check = ChatCheck(state.model)
    state.intents = Intents(state.postgres, state.graph, state.history, state.hold, settings.repair_interval_s)
    state.identity = Identity(settings, state.postgres, state.graph, state.history, state.model, state.intents.sweep)
    state.store = MemoryStore(settings, state.postgres, state.graph, state.history, state.model, state.intents, metrics)
    state.transfer = Transfer(
        settings,
        state.store.collection,
        state.postgres,
        state.graph,
        state.model,
        state.store.commits,
        state.gate,
    )
    metrics.gauge("mem0_server_writes_in_flight", "Writes under way.", lambda: state.gate.in_flight)
    metrics.gauge("mem0_server_repairs_pending", "Writes the repair has to finish.", lambda: state.intents.pending)
    metrics.gauge(
        "mem0_server_repairs_parked",
        "Writes whose part the graph or the history refuses for good.",
        lambda: state.intents.parked,
    )
    readiness = state.identity.readiness
    metrics.gauge("mem0_server_ready", "Whether all stores are ours.", lambda: readiness.serves)
    errors.install(app)
    openapi.install(app)
    for module in (system, memories, transfer, admin):
        app.include_router(module.router)
    docs_page.install(app)
    # The last one comes first.
    app.add_middleware(BodyLimit, bounds=settings.body_bounds, streamed=STREAMED)
    app.add_middleware(
        FrontDoor,
        keyring=Keyring.parse(settings.api_keys.get_secret_value()),
        limiter=RateLimiter(settings.rate_limit_per_second),
        lanes=Lanes(settings.requests_at_once),
        hosts=settings.allowed_hosts,
    )
    app.add_middleware(Observe, metrics=metrics)
    return app


async def close(app: FastAPI) -> None:
    """Give back what the parts hold: connections, threads and files; also of an application that was never started."""
    state = app.state
    await state.model.close()
    await state.graph.close()
    await state.postgres.close()
    await state.history.close()
    state.metrics.close()


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state = app.state
    state.metrics.serve(state.settings.metrics_port)
    await state.postgres.open()
    background = asyncio.create_task(_background(app))
    try:
        yield
    finally:
        background.cancel()
        await asyncio.gather(background, return_exceptions=True)
        await close(app)


async def _background(app: FastAPI) -> None:
    """Wait for the stores, then repair for as long as the server runs."""
    state = app.state
    try:
        await state.identity.establish()
    except Refused as refusal:
        state.identity.readiness.refused = str(refusal)
        logs.server.critical("refused", extra={"fields": {"reason": str(refusal)}})
        state.on_refused(str(refusal))
        return
    tidy = old_moments.rewrite(state.postgres, state.store.collection, state.gate)
    await asyncio.gather(state.intents.run(), _expire(state.store), tidy)


async def _expire(store: MemoryStore) -> None:
    while True:
        with contextlib.suppress(errors.Problem):
            await store.expire_keys()
        await asyncio.sleep(EXPIRE_EVERY_S)


class Observe:
    """ASGI middleware: a request id, the access log and the request metrics. Route templates, never paths."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        token = logs.request_id.set(request_id)
        started = time.perf_counter()
        status = 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, scope["method"], str(status)).inc()
            self._metrics.request_seconds.labels(route, scope["method"]).observe(seconds)
            fields = {
                "route": route,
                "method": scope["method"],
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "key": getattr(scope["state"].get("principal"), "name", None),
            }
            level = logs.access.debug if route == "/health" else logs.access.info
            level("request", extra={"fields": fields})
            logs.request_id.reset(token)
