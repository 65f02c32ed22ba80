"""Adding: plan with the model, then write once. A plan that was overtaken is made again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg.types.json import Json

from memory_server import extraction
from memory_server.collection import Collection
from memory_server.commits import Commits, Leave
from memory_server.concurrency import together
from memory_server.domain import GraphChange, HistoryEntry, Memory, Relation, Scope, now
from memory_server.errors import Problem, store_unavailable, timed_out
from memory_server.extraction import Message
from memory_server.filters import condition
from memory_server.graph import NAME as GRAPH
from memory_server.graph import PermanentGraphError
from memory_server.metrics import Metrics
from memory_server.model_client import ModelClient, ModelError
from memory_server.planning import Plan, Planner, Step, changed_payload, entry, new_payload, procedural, verbatim
from memory_server.postgres import Connection, Postgres

NEAR = 5
"""Old memories shown to the model for each fact, upstream's figure."""
REPLANS = 2


class Changed(Exception):
    """A memory the plan is about has been changed by someone else since it was looked at."""


@dataclass(frozen=True)
class Add:
    """A request to remember. `replay` is (owner, key, fingerprint) of an Idempotency-Key."""

    messages: list[dict[str, Any]]
    scope: Scope
    metadata: dict[str, Any]
    infer: bool = True
    procedural: bool = False
    prompt: str | None = None
    replay: tuple[str, str, str] | None = None


class Adder:
    """Carries out adds."""

    def __init__(
        self,
        *,
        collection: Collection,
        postgres: Postgres,
        commits: Commits,
        model: ModelClient,
        planner: Planner,
        metrics: Metrics,
        timeout_s: float,
    ) -> None:
        self._collection = collection
        self._postgres = postgres
        self._commits = commits
        self._model = model
        self._planner = planner
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: defaultdict[str, int] = defaultdict(int)

    async def add(self, request: Add) -> dict[str, Any]:
        """Remember. Returns upstream's reply. Raises Problem; then nothing is stored."""
        # Planning shares one deadline. Writing has bounds of its own: it must not be broken off half-way.
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        try:
            if not request.infer or request.procedural:
                async with asyncio.timeout_at(deadline):
                    plan = await self._simple_plan(request)
                return await self._write(request, plan)
            return await self._infer_in_turn(request, deadline)
        except ModelError as error:
            raise error.problem() from error
        except PermanentGraphError as error:
            raise store_unavailable(GRAPH, f"refused ({error})") from error
        except TimeoutError as error:
            raise timed_out("Adding", self._timeout_s) from error

    async def _simple_plan(self, request: Add) -> Plan:
        if request.procedural:
            return await procedural(self._model, request.messages, request.scope, request.metadata, request.prompt)
        return await verbatim(self._model, request.messages, request.scope, request.metadata)

    async def _infer_in_turn(self, request: Add, deadline: float) -> dict[str, Any]:
        """One inference at a time for one scope: the same fact told twice at once is stored once."""
        key = request.scope.key()
        self._waiting[key] += 1
        try:
            async with asyncio.timeout_at(deadline):
                await self._locks[key].acquire()
            try:
                return await self._infer(request, deadline)
            finally:
                self._locks[key].release()
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._locks[key]

    async def _infer(self, request: Add, deadline: float) -> dict[str, Any]:
        messages: list[Message] = [{"role": m["role"], "content": m["content"]} for m in request.messages]
        async with asyncio.timeout_at(deadline):
            vectors, graph = await together(
                self._facts(messages, request.scope), self._planner.relations(messages, request.scope)
            )
        for _ in range(REPLANS + 1):
            async with asyncio.timeout_at(deadline):
                steps = await self._decide(vectors, request.scope)
            try:
                return await self._write(request, Plan(request.scope, request.metadata, steps, graph))
            except Changed:
                continue
        raise Problem(409, "changed-meanwhile", "The memories this adds to were changed at the same time. Retry.")

    async def _facts(self, messages: list[Message], scope: Scope) -> dict[str, list[float]]:
        facts = await extraction.facts(self._model, messages, scope)
        return dict(zip(facts, await self._model.embed(facts), strict=True))

    async def _decide(self, vectors: dict[str, list[float]], scope: Scope) -> list[Step]:
        if not vectors:
            return []
        where = condition(scope)

        async def read(conn: Connection) -> list[Memory]:
            found: dict[UUID, Memory] = {}
            for vector in vectors.values():
                for memory in await self._collection.nearest(conn, vector, where, NEAR):
                    found.setdefault(memory.id, memory)
            return list(found.values())

        old = await self._postgres.run("near", read)
        return await self._planner.decide(vectors, old, scope)

    async def _write(self, request: Add, plan: Plan) -> dict[str, Any]:
        change = graph_change(plan)

        async def write(conn: Connection, leave: Leave) -> dict[str, Any]:
            history = await self._apply(conn, plan)
            await leave(plan.scope.key(), change, history)
            reply = {"results": plan.results(), "relations": relations_reply(change, change.add if change else [])}
            if request.replay:
                # Only an expired key can be there still.
                text = (
                    "INSERT INTO mem0_idempotency (owner, key, fingerprint, reply) VALUES (%s, %s, %s, %s) "
                    "ON CONFLICT (owner, key) DO UPDATE SET fingerprint = excluded.fingerprint, "
                    "reply = excluded.reply, created_at = now()"
                )
                await conn.execute(text, (*request.replay, Json(reply)))
            return reply

        reply, outcome = await self._commits.commit("add", write)
        for step in plan.steps:
            self._metrics.memories_written.labels(step.kind).inc()
        if outcome.relations is None:
            reply["pending"] = ["graph"]
        else:
            reply["relations"] = relations_reply(change, outcome.relations)
        return reply

    async def _apply(self, conn: Connection, plan: Plan) -> list[HistoryEntry]:
        """Change the collection as planned. Raises Changed when what was planned for is no longer so."""
        seen = {step.id: step.before for step in plan.steps if step.before}
        current = await self._collection.lock(conn, seen) if seen else {}
        for key, memory in seen.items():
            if key not in current or current[key].payload.get("hash") != memory.payload.get("hash"):
                raise Changed
        history = [await self._change(conn, step, current[step.id], plan) for step in plan.steps if step.before]
        added = []
        for step in plan.steps:
            if step.vector is not None and not step.before:
                after = Memory(step.id, new_payload(step, plan))
                added.append((step.id, step.vector, after.payload))
                history.append(entry("ADD", None, after))
        if added:
            await self._collection.insert(conn, added)
        return [item for item in history if item]

    async def _change(self, conn: Connection, step: Step, before: Memory, plan: Plan) -> HistoryEntry | None:
        if step.kind == "DELETE":
            await self._collection.delete(conn, [step.id])
            return entry("DELETE", before, None)
        if step.kind == "UPDATE":
            payload = changed_payload(before, step.text, {**plan.metadata, **plan.scope.ids()})
            await self._collection.update(conn, step.id, payload, step.vector)
            return entry("UPDATE", before, Memory(step.id, payload))
        moved = {k: v for k, v in plan.scope.ids().items() if k != "user_id"}
        await self._collection.update(conn, step.id, {**before.payload, **moved, "updated_at": now()})
        return None


def graph_change(plan: Plan) -> GraphChange | None:
    """What the add does to the graph, with the memories that come and go."""
    forget = [str(step.id) for step in plan.steps if step.kind == "DELETE"]
    if not plan.graph and not forget:
        return None
    come = [str(step.id) for step in plan.steps if step.kind in {"ADD", "UPDATE"}]
    return replace(plan.graph or GraphChange(plan.scope.node_ids()), memory_ids=come, forget=forget)


def relations_reply(change: GraphChange | None, added: list[Relation]) -> dict[str, Any]:
    """Upstream's form: for each relation a list with the one row its query returned."""

    def rows(relations: list[Relation]) -> list[list[dict[str, str]]]:
        return [[{"source": r.source, "relationship": r.relationship, "target": r.destination}] for r in relations]

    return {"deleted_entities": rows(change.invalidate if change else []), "added_entities": rows(added)}
