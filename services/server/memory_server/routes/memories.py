"""Upstream's routes: add, list, get, search, update, history, delete."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from memory_server import logs
from memory_server.adding import Add
from memory_server.auth import Reader, Writer
from memory_server.domain import Scope
from memory_server.errors import Problem
from memory_server.history import ALL
from memory_server.memory_store import Found
from memory_server.openapi import EVERYWHERE, problems
from memory_server.routes.deps import Store, WriteGate
from memory_server.schemas import MemoryCreate, MemoryUpdate, SearchRequest, query_scope

router = APIRouter(tags=["memories"], responses=problems(*EVERYWHERE))

PROCEDURAL = "procedural_memory"


async def _within_reach(who: Reader, scope: Annotated[Scope, Depends(query_scope)]) -> Scope:
    return who.own(scope)


QueryScope = Annotated[Scope, Depends(_within_reach)]
"""The scope in the query string, which the key reaches."""
IdempotencyKey = Annotated[str | None, Header(max_length=255, pattern=r"^[\x21-\x7e]+$")]


@router.post("/memories", summary="Create memories", responses=problems(400, 408, 409, 413, 502))
async def add_memory(
    body: MemoryCreate,
    store: Store,
    gate: WriteGate,
    who: Writer,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Remember a conversation. With an Idempotency-Key a repeat gives the first reply and stores nothing again."""
    scope = who.own(body.scope())
    if body.memory_type not in {None, PROCEDURAL}:
        raise Problem(400, "bad-memory-type", f"memory_type can only be {PROCEDURAL}.")
    if body.memory_type and not scope.agent_id:
        raise Problem(400, "no-agent", f"memory_type {PROCEDURAL} needs agent_id.")
    replay = None
    if idempotency_key:
        text = json.dumps(body.model_dump(mode="json"), sort_keys=True)
        replay = (who.name, idempotency_key, hashlib.sha256(text.encode()).hexdigest())
        with gate.claim(who.name, idempotency_key):
            if (earlier := await store.replayed(*replay)) is not None:
                response.headers["Idempotency-Replayed"] = "true"
                return earlier
            return await _add(body, scope, store, gate, who.name, replay)
    return await _add(body, scope, store, gate, who.name, None)


async def _add(
    body: MemoryCreate, scope: Scope, store: Store, gate: WriteGate, key: str, replay: tuple[str, str, str] | None
) -> dict[str, Any]:
    request = Add(
        messages=[message.model_dump() for message in body.messages],
        scope=scope,
        metadata=body.metadata or {},
        infer=body.infer is not False,
        procedural=body.memory_type == PROCEDURAL,
        prompt=body.prompt,
        replay=replay,
    )
    with gate.write():
        reply = await store.add(request)
    events = [{"id": r["id"], "event": r["event"]} for r in reply["results"]]
    logs.audit("add", key=key, scope=scope.ids(), memories=events, pending=reply.get("pending", []))
    return reply


@router.get("/memories", summary="Get memories", responses=problems(400, 413))
async def list_memories(
    store: Store,
    _who: Reader,
    scope: QueryScope,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    order: Literal["newest", "oldest", "updated"] = "newest",
) -> dict[str, Any]:
    """A page of the memories of a user, agent or run, with their total, and the same page of its relations.

    Where there are more relations than memories, ask on until fewer than `limit` come.
    """
    found = await store.page(scope, None, order, limit, offset)
    relations = [{"source": r.source, "relationship": r.relationship, "target": r.destination} for r in found.relations]
    return {**_reply(found, relations), "total": found.total}


@router.get("/memories/{memory_id}", summary="Get a memory", responses=problems(404))
async def get_memory(memory_id: UUID, store: Store, who: Reader) -> dict[str, Any]:
    """One memory."""
    return (await store.get(memory_id, who.reach)).public()


@router.post("/search", summary="Search memories", responses=problems(400, 408, 413, 502))
async def search_memories(body: SearchRequest, store: Store, who: Reader) -> dict[str, Any]:
    """Memories by meaning, best first. `score` is the distance (0 is best), `similarity` its opposite (1 is best)."""
    found = await store.search(body.query, who.own(body.scope()), body.filters, body.limit or 100, body.threshold)
    return _reply(found, [vars(relation) for relation in found.relations])


@router.put("/memories/{memory_id}", summary="Update a memory", responses=problems(404, 408, 413, 502))
async def update_memory(
    memory_id: UUID, body: MemoryUpdate, store: Store, gate: WriteGate, who: Writer
) -> dict[str, str]:
    """Give a memory a new text."""
    with gate.write():
        await store.update(memory_id, body.text, body.metadata or {}, who.reach)
    logs.audit("update", key=who.name, memory=str(memory_id))
    return {"message": "Memory updated successfully!"}


@router.get("/memories/{memory_id}/history", summary="Get memory history", responses=problems(404, 413))
async def memory_history(
    memory_id: UUID,
    store: Store,
    who: Reader,
    limit: Annotated[int | None, Query(ge=1, le=100_000, description="Only the last so many changes.")] = None,
) -> list[dict[str, Any]]:
    """All changes of a memory, oldest first; also of a deleted one, unless the key is bound to users."""
    return await store.history(memory_id, who.reach, limit or ALL)


@router.delete("/memories/{memory_id}", summary="Delete a memory", responses=problems(404))
async def delete_memory(memory_id: UUID, store: Store, gate: WriteGate, who: Writer) -> dict[str, str]:
    """Forget one memory."""
    with gate.write():
        await store.delete(memory_id, who.reach)
    logs.audit("delete", key=who.name, memory=str(memory_id))
    return {"message": "Memory deleted successfully"}


@router.delete("/memories", summary="Delete all memories", responses=problems(400))
async def delete_all_memories(scope: QueryScope, store: Store, gate: WriteGate, who: Writer) -> dict[str, Any]:
    """Forget all memories of a user, agent or run, and what the graph knows of it."""
    with gate.write():
        count = await store.delete_all(scope)
    logs.audit("delete_all", key=who.name, scope=scope.ids(), count=count)
    return {"message": "All relevant memories deleted", "deleted": count}


@router.get("/users", summary="List users")
async def list_users(
    store: Store,
    who: Reader,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> dict[str, Any]:
    """Who has memories, and how many; of the users that the key is bound to, if it is."""
    users, total = await store.users(who.reach, limit, offset)
    return {"results": users, "total": total}


def _reply(found: Found, relations: list[dict[str, str]]) -> dict[str, Any]:
    reply: dict[str, Any] = {"results": [memory.public() for memory in found.memories], "relations": relations}
    if found.degraded:
        reply["degraded"] = list(found.degraded)
    return reply
