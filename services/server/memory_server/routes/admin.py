"""Maintenance mode, which backups use."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from memory_server import logs
from memory_server.auth import Admin, Reader
from memory_server.openapi import EVERYWHERE, problems

router = APIRouter(prefix="/admin", tags=["admin"], responses=problems(*EVERYWHERE))


class MaintenanceRequest(BaseModel):
    """How long writes stay paused, and how long to wait for those under way."""

    seconds: float = Field(gt=0, le=3600, description="Maintenance ends by itself after this long.", examples=[60])
    drain_seconds: float = Field(30, ge=0, le=600, description="Wait at most this long for writes under way.")


@router.post("/maintenance", summary="Pause writes")
async def begin_maintenance(request: Request, body: MaintenanceRequest, who: Admin) -> dict[str, Any]:
    """Let no write begin, and wait for those under way: `drained` tells whether the stores hold still now.

    Reading goes on. Writers get 503 with Retry-After. Ends by itself, or by DELETE.
    """
    state = request.app.state
    state.gate.close(body.seconds)
    logs.audit("maintenance_begin", key=who.name, seconds=body.seconds)
    await state.intents.try_repair()
    await state.gate.drained(
        min(body.drain_seconds, body.seconds), lambda: state.postgres.writing or state.intents.busy
    )
    return _status(request)


@router.get("/maintenance", summary="Is there maintenance? What is under way?")
async def maintenance(request: Request, _who: Reader) -> dict[str, Any]:
    """State of the pause, and the writes under way."""
    return _status(request)


@router.delete("/maintenance", summary="Let writes begin again")
async def end_maintenance(request: Request, who: Admin) -> dict[str, Any]:
    """End the pause now."""
    request.app.state.gate.open()
    logs.audit("maintenance_end", key=who.name)
    return _status(request)


def _status(request: Request) -> dict[str, Any]:
    state = request.app.state
    left = state.gate.seconds_left
    return {
        "maintenance": left > 0,
        "seconds_left": round(left, 1),
        "drained": left > 0 and not (state.gate.in_flight or state.postgres.writing or state.intents.busy),
        "writes_in_flight": state.gate.in_flight,
        "repairs_pending": state.intents.pending,
    }
