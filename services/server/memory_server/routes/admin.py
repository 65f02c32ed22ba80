"""Maintenance mode, the hold of graph and history, which backups use, and writes that a store refused for good."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from memory_server import logs
from memory_server.auth import Admin, Reader
from memory_server.errors import Problem
from memory_server.openapi import EVERYWHERE, problems
from memory_server.routes.deps import Store, WriteGate

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


class HoldRequest(BaseModel):
    """How long the graph and the history stay as they are."""

    seconds: float = Field(gt=0, le=3600, description="The hold ends by itself after this long.", examples=[60])
    key: str | None = Field(None, max_length=64, description="Key of a hold that is to last longer.")
    quiet_seconds: float = Field(10, ge=0, le=600, description="Wait at most this long for changes under way.")


@router.post("/hold", summary="Hold the graph and the history", responses=problems(409))
async def begin_hold(request: Request, body: HoldRequest, who: Admin) -> dict[str, Any]:
    """Let the graph and the history stay as they are, while writes go on and answer `pending`.

    `quiet` tells whether nothing changes there now. What writes leave to do is done after the hold, which ends by
    itself, or by DELETE. With the `key` of a hold, that one lasts longer; 409 when it has ended.
    """
    hold = request.app.state.hold
    key = body.key
    if key is None:
        key = hold.begin(body.seconds)
        logs.audit("hold_begin", key=who.name, seconds=body.seconds)
    elif not hold.extend(key, body.seconds):
        raise Problem(409, "hold-ended", "That hold has ended: the graph and the history may have changed since.")
    quiet = await hold.quiet(min(body.quiet_seconds, body.seconds))
    return {"key": key, "quiet": quiet, **_held(request)}


@router.get("/hold", summary="Are the graph and the history held?")
async def held(request: Request, _who: Reader) -> dict[str, Any]:
    """State of the hold, and how many writes wait for its end."""
    return _held(request)


@router.delete("/hold", summary="End the hold")
async def end_hold(
    request: Request,
    who: Admin,
    key: Annotated[
        str | None, Query(max_length=64, description="Key of the hold; without it, whichever there is.")
    ] = None,
) -> dict[str, Any]:
    """End the hold now. `lasted` tells whether it was still in force: if so, nothing has changed since it began."""
    state = request.app.state
    lasted = state.hold.end(key)
    state.intents.wake()
    logs.audit("hold_end", key=who.name, lasted=lasted)
    return {"lasted": lasted, **_held(request)}


def _held(request: Request) -> dict[str, Any]:
    state = request.app.state
    return {
        "held": state.hold.active,
        "seconds_left": round(state.hold.seconds_left, 1),
        "repairs_pending": state.intents.pending,
    }


@router.post("/canary", summary="Write, find and remove a memory of the health check", responses=problems(502))
async def canary(store: Store, gate: WriteGate, _who: Admin) -> dict[str, float]:
    """Write one memory, find it by its meaning and remove it, in one transaction: it is in no count, list or backup.

    Asks the embedding model for two short texts. 503 during maintenance, and when the memory is not found.
    """
    with gate.write():
        return await store.canary()


@router.get("/repairs", summary="What the graph or the history refused for good")
async def parked_repairs(
    request: Request, _who: Admin, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, Any]:
    """Writes that are whole in Postgres, and of which the graph or the history refuses its part at every try."""
    parked = await request.app.state.intents.parked_intents(limit)
    return {"results": [vars(item) for item in parked]}


@router.post("/repairs/{repair_id}/retry", summary="Try a refused write again", responses=problems(404))
async def retry_repair(request: Request, repair_id: UUID, who: Admin) -> dict[str, str]:
    """Hand it to the repair once more, after what stood in its way was removed."""
    if not await request.app.state.intents.unpark(repair_id):
        raise _no_repair(repair_id)
    logs.audit("repair_retry", key=who.name, repair=str(repair_id))
    return {"message": "The repair tries it again"}


@router.delete("/repairs/{repair_id}", summary="Give a refused write up", responses=problems(404))
async def give_up_repair(request: Request, repair_id: UUID, who: Admin) -> dict[str, str]:
    """Forget what remained to be done. The memories stay as they are; their relations or history stay as they were."""
    if not await request.app.state.intents.give_up(repair_id):
        raise _no_repair(repair_id)
    logs.audit("repair_give_up", key=who.name, repair=str(repair_id))
    return {"message": "Given up"}


def _no_repair(repair_id: UUID) -> Problem:
    return Problem(404, "repair-not-found", f"No refused write has the id {repair_id}: see GET /admin/repairs.")
