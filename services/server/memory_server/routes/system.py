"""Alive, ready, and the refusals of what is settings here."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse

from memory_server import logs
from memory_server.auth import Admin, Reader
from memory_server.errors import Problem
from memory_server.identity import Readiness
from memory_server.model_client import ModelError
from memory_server.openapi import EVERYWHERE, problems
from memory_server.routes.deps import Store, WriteGate

router = APIRouter(tags=["system"])

READY = {**problems(401, 403, 421, 429, 431), 503: {"description": "Not all do.", "content": {"application/json": {}}}}


@router.get("/", include_in_schema=False)
async def home() -> RedirectResponse:
    """Upstream redirects to the documentation."""
    return RedirectResponse("/docs")


@router.get("/health", summary="Is the server alive?")
async def health() -> dict[str, str]:
    """The process answers. Says nothing about the stores: see /ready."""
    return {"status": "ok"}


@router.get("/ready", summary="Do the stores and the model answer?", responses=READY)
async def ready(request: Request, _who: Reader) -> JSONResponse:
    """Asks each store and the model, and tells how long each took. 503 while one does not answer or is not ours.

    `model` is the embedding model. `chat` is not asked where it has answered within the last hour.
    """
    state = request.app.state
    names = ("postgres", "neo4j", "history", "model", "chat")
    probes = (
        state.postgres.ping,
        state.graph.ping,
        state.history.ping,
        lambda: state.model.embed(["ready"], fresh=True),
        state.chat_check.ask,
    )
    bound = state.settings.probe_timeout_s
    checks = dict(zip(names, await asyncio.gather(*(_probe(p, bound) for p in probes)), strict=True))
    readiness: Readiness = state.identity.readiness
    good = readiness.serves and all(check["ok"] for check in checks.values())
    document: dict[str, Any] = {
        "ready": good,
        "checks": checks,
        "pending_repairs": state.intents.pending,
        "parked_repairs": state.intents.parked,
        "parked_reasons": state.intents.parked_reasons,
        "maintenance_seconds_left": round(state.gate.seconds_left, 1),
        "hold_seconds_left": round(state.hold.seconds_left, 1),
    }
    if waiting := readiness.refused or readiness.waiting_for:
        document["waiting_for"] = waiting
    return JSONResponse(document, 200 if good else 503)


async def _probe(ask: Callable[[], Awaitable[Any]], bound: float) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(bound * 2):
            await ask()
    except Problem as problem:
        return {"ok": False, "reason": problem.extra.get("reason", problem.detail)}
    except ModelError as error:
        return {"ok": False, "reason": f"The model {error}."}
    except TimeoutError:
        return {"ok": False, "reason": f"No answer within {bound * 2:g} s."}
    return {"ok": True, "milliseconds": round((time.perf_counter() - started) * 1000, 1)}


@router.post("/reset", summary="Reset all memories", responses=problems(*EVERYWHERE))
async def reset(request: Request, store: Store, gate: WriteGate, who: Admin) -> dict[str, str]:
    """Forget everything. Off unless the settings allow it."""
    if not request.app.state.settings.allow_reset:
        raise Problem(403, "reset-off", "Reset is off. Settings are code: set server.allowReset and run ./mem0 up.")
    if left := request.app.state.hold.seconds_left:
        raise Problem(
            503,
            "held",
            f"A backup copies the graph and the history, for {math.ceil(left)} s at most.",
            headers={"Retry-After": str(math.ceil(left))},
        )
    with gate.write():
        await store.reset()
    logs.audit("reset", key=who.name)
    return {"message": "All memories reset"}


@router.post("/configure", summary="Configure Mem0", responses=problems(401, 403, 421, 429, 431))
async def configure(_who: Admin) -> dict[str, str]:
    """Refused: upstream keeps a configuration set here in memory and loses it at the next restart."""
    raise Problem(403, "settings-are-code", "Settings are code: change the stack's settings and run ./mem0 up.")
