"""What route functions get handed: the core once the stores are ours, the gate of writes.

Coroutines although they await nothing: FastAPI runs a plain function in a thread, which costs more than it does.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from memory_server.errors import Problem
from memory_server.identity import Readiness
from memory_server.maintenance import Gate
from memory_server.memory_store import MemoryStore


async def _store(request: Request) -> MemoryStore:
    readiness: Readiness = request.app.state.identity.readiness
    if readiness.refused:
        raise Problem(503, "not-our-data", readiness.refused, headers={"Retry-After": "30"})
    if not readiness.postgres or not readiness.history:
        raise Problem(503, "starting", f"The server waits: {readiness.waiting_for}", headers={"Retry-After": "2"})
    store: MemoryStore = request.app.state.store
    return store


async def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


Store = Annotated[MemoryStore, Depends(_store)]
WriteGate = Annotated[Gate, Depends(_gate)]
