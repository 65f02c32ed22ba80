"""The core: what a client can do with memories. It owns the consistency of the three stores."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from rank_bm25 import BM25Okapi

from memory_server import extraction
from memory_server.collection import Collection, Order
from memory_server.concurrency import together
from memory_server.domain import GraphChange, HistoryEntry, Memory, Relation, Scope, now
from memory_server.entity_names import mentioned
from memory_server.errors import Problem, model_failed, not_found, store_unavailable, timed_out
from memory_server.extraction import Message
from memory_server.filters import condition
from memory_server.graph import Graph, PermanentGraphError
from memory_server.history import History
from memory_server.intents import Intent, Intents
from memory_server.metrics import Metrics
from memory_server.model_client import ModelClient, ModelError
from memory_server.planning import Plan, Planner, changed_payload, entry, new_payload, procedural, verbatim
from memory_server.postgres import Connection, Postgres
from memory_server.settings import Settings

NEAR = 5
"""Old memories shown to the model for each fact, upstream's figure."""
REPLANS = 2
RELATIONS_SHOWN = 5
"""Relations in a search reply, upstream's figure."""
RELATIONS_RANKED = 200
HISTORY_CHUNK = 1000


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


@dataclass(frozen=True)
class Found:
    """Memories and relations of a reply. `degraded` names the stores that could not be asked."""

    memories: list[Memory]
    relations: list[Relation]
    total: int | None = None
    degraded: tuple[str, ...] = ()


class MemoryStore:
    """Adds, changes, finds and deletes memories in Postgres, Neo4j and the history file together."""

    def __init__(
        self,
        settings: Settings,
        postgres: Postgres,
        graph: Graph,
        history: History,
        model: ModelClient,
        intents: Intents,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._postgres = postgres
        self._graph = graph
        self._history = history
        self._model = model
        self._intents = intents
        self._metrics = metrics
        self._planner = Planner(model, graph)
        self.collection = Collection(settings.memory_collection)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def add(self, request: Add) -> dict[str, Any]:
        """Remember. Returns upstream's reply; `pending: ["graph"]` in it where the repair finishes the graph half."""
        bound = self._settings.add_timeout_s
        try:
            async with asyncio.timeout(bound):
                if not request.infer or request.procedural:
                    return await self._add_planned(request, await self._plan_simple(request))
                # One inference at a time for one user: the second sees what the first has stored, so that the same
                # fact told twice at once is stored once.
                lock = self._locks[request.scope.key()]
                try:
                    async with lock:
                        return await self._add_inferred(request)
                finally:
                    if not lock.locked():
                        self._locks.pop(request.scope.key(), None)
        except ModelError as error:
            raise model_failed(str(error)) from error
        except PermanentGraphError as error:
            raise store_unavailable("Neo4j", f"refused ({error})") from error
        except TimeoutError as error:
            raise timed_out("Adding", bound) from error

    async def _plan_simple(self, request: Add) -> Plan:
        if request.procedural:
            return await procedural(self._model, request.messages, request.scope, request.metadata, request.prompt)
        return await verbatim(self._model, request.messages, request.scope, request.metadata)

    async def _add_inferred(self, request: Add) -> dict[str, Any]:
        messages: list[Message] = [{"role": m["role"], "content": m["content"]} for m in request.messages]
        (facts, graph) = await together(
            extraction.facts(self._model, messages, request.scope), self._planner.relations(messages, request.scope)
        )
        vectors = dict(zip(facts, await self._model.embed(facts), strict=True))
        for _ in range(REPLANS + 1):
            old = await self._near(list(vectors.values()), request.scope)
            steps = await self._planner.decide(vectors, old, request.scope) if facts else []
            try:
                return await self._add_planned(request, Plan(request.scope, request.metadata, steps, graph))
            except Changed:
                continue
        raise Problem(409, "changed-meanwhile", "The memories this adds to were changed at the same time. Retry.")

    async def _near(self, vectors: list[list[float]], scope: Scope) -> list[Memory]:
        where = condition(scope)

        async def read(conn: Connection) -> list[Memory]:
            found: dict[UUID, Memory] = {}
            for vector in vectors:
                for memory in await self.collection.nearest(conn, vector, where, NEAR):
                    found.setdefault(memory.id, memory)
            return list(found.values())

        return await self._postgres.run("near", read) if vectors else []

    async def _add_planned(self, request: Add, plan: Plan) -> dict[str, Any]:
        reply: dict[str, Any] = {"results": plan.results()}
        intent: Intent | None = None
        graph = plan.graph
        if graph:
            graph = replace(graph, memory_ids=[str(s.id) for s in plan.steps if s.kind in {"ADD", "UPDATE"}])

        async def write(conn: Connection) -> None:
            nonlocal intent
            history = await self._apply_steps(conn, plan)
            planned = [vars(relation) for relation in graph.add] if graph else []
            gone = [vars(relation) for relation in graph.invalidate] if graph else []
            reply["relations"] = _relations_reply(planned, gone)
            forget = [str(s.id) for s in plan.steps if s.kind == "DELETE"]
            change = replace(graph, forget=forget) if graph else None
            if forget and not change:
                change = GraphChange(plan.scope.node_ids(), forget=forget)
            if change or history:
                intent = await self._intents.record(conn, plan.scope.key(), change, history)
            if request.replay:
                await conn.execute(
                    "INSERT INTO mem0_idempotency (owner, key, fingerprint, reply) VALUES (%s, %s, %s, %s)",
                    (*request.replay, Jsonb(reply)),
                )

        await self._commit("add", write, lambda: intent)
        for step in plan.steps:
            self._metrics.memories_written.labels(step.kind).inc()
        if intent:
            outcome = await asyncio.shield(self._intents.carry_out(intent))
            if outcome.relations is None:
                reply["pending"] = ["graph"]
            elif graph:
                gone = [vars(relation) for relation in graph.invalidate]
                reply["relations"] = _relations_reply([vars(r) for r in outcome.relations], gone)
        return reply

    async def _commit(self, operation: str, write: Any, intent: Any) -> None:
        try:
            await self._postgres.run(operation, write)
        except BaseException:
            if left := intent():
                self._intents.release(left)
            raise

    async def _apply_steps(self, conn: Connection, plan: Plan) -> list[HistoryEntry]:
        """Change the collection as planned. Raises Changed when what was planned for is no longer so."""
        touched = {step.id: step.before for step in plan.steps if step.before}
        current = await self.collection.lock(conn, touched) if touched else {}
        for key, seen in touched.items():
            if key not in current or current[key].payload.get("hash") != seen.payload.get("hash"):
                raise Changed
        history: list[HistoryEntry] = []
        added = []
        for step in plan.steps:
            before = current.get(step.id)
            if step.kind == "ADD" and step.vector is not None:
                after = Memory(step.id, new_payload(step, plan))
                added.append((step.id, step.vector, after.payload))
                history.append(entry("ADD", None, after))
            elif step.kind == "UPDATE" and before:
                changed = changed_payload(before, step.text, {**plan.metadata, **plan.scope.ids()})
                await self.collection.update(conn, step.id, changed, step.vector)
                history.append(entry("UPDATE", before, Memory(step.id, changed)))
            elif step.kind == "DELETE" and before:
                await self.collection.delete(conn, [step.id])
                history.append(entry("DELETE", before, None))
            elif step.kind == "TOUCH" and before:
                moved = {k: v for k, v in plan.scope.ids().items() if k != "user_id"}
                await self.collection.update(conn, step.id, {**before.payload, **moved, "updated_at": now()})
        if added:
            await self.collection.insert(conn, added)
        return history

    async def replayed(self, owner: str, key: str, fingerprint: str) -> dict[str, Any] | None:
        """The reply given earlier to an Idempotency-Key; None for a new key. Raises Problem 422 on another body."""

        async def read(conn: Connection) -> Any:
            text = "SELECT fingerprint, reply FROM mem0_idempotency WHERE owner = %s AND key = %s"
            return await (await conn.execute(text, (owner, key))).fetchone()

        row = await self._postgres.run("replayed", read)
        if row and row[0] != fingerprint:
            raise Problem(422, "idempotency-key-reused", "This Idempotency-Key was used for another request.")
        return dict(row[1]) if row else None

    async def get(self, memory_id: UUID) -> Memory:
        """One memory. Raises Problem 404."""

        async def read(conn: Connection) -> Memory | None:
            return await self.collection.get(conn, memory_id)

        memory = await self._postgres.run("get", read)
        if memory is None:
            raise not_found(memory_id)
        return memory

    async def page(
        self, scope: Scope, filters: Mapping[str, Any] | None, order: Order, limit: int, offset: int
    ) -> Found:
        """A page of memories with the total, and the relations of the scope."""
        where = condition(scope, filters)

        async def read(conn: Connection) -> tuple[list[Memory], int]:
            return await self.collection.page(conn, where, order, limit, offset)

        (memories, total), (relations, degraded) = await together(
            self._postgres.run("page", read), self._tolerant(self._graph.all(scope.ids(), limit))
        )
        return Found(memories, relations, total, degraded)

    async def search(
        self, query: str, scope: Scope, filters: Mapping[str, Any] | None, limit: int, threshold: float | None
    ) -> Found:
        """The memories nearest in meaning, best first, and the relations the question touches."""
        where = condition(scope, filters)
        bound = self._settings.search_timeout_s
        try:
            async with asyncio.timeout(bound):
                memories, (relations, degraded) = await together(
                    self._nearest(query, where, limit, threshold),
                    self._tolerant(self._related(query, scope)),
                )
        except ModelError as error:
            raise model_failed(str(error)) from error
        except TimeoutError as error:
            raise timed_out("Searching", bound) from error
        return Found(memories, relations, degraded=degraded)

    async def _nearest(self, query: str, where: Any, limit: int, threshold: float | None) -> list[Memory]:
        [vector] = await self._model.embed([query])

        async def read(conn: Connection) -> list[Memory]:
            return await self.collection.nearest(conn, vector, where, limit)

        memories = await self._postgres.run("search", read)
        return [m for m in memories if threshold is None or 1.0 - (m.distance or 0.0) >= threshold]

    async def _related(self, query: str, scope: Scope) -> list[Relation]:
        if self._settings.graph_search == "off":
            return []
        if self._settings.graph_search == "model":
            names = list(await extraction.entities(self._model, query, scope))
            found = await self._graph.similar(scope.ids(), await self._model.embed(names)) if names else []
        else:
            found = await self._graph.of_names(scope.ids(), mentioned(query, scope), RELATIONS_RANKED)
        return rank(query, found)

    async def _tolerant(self, asked: Any) -> tuple[list[Relation], tuple[str, ...]]:
        """Reading goes on without the graph, and says so."""
        try:
            return await asked, ()
        except (Problem, PermanentGraphError, ModelError):
            return [], ("graph",)

    async def history(self, memory_id: UUID) -> list[dict[str, Any]]:
        """All changes of a memory, also of a deleted one. Raises Problem 404 when there never was one."""
        found = await self._history.of(str(memory_id))
        if not found:
            await self.get(memory_id)
        return found

    async def update(self, memory_id: UUID, text: str, metadata: dict[str, Any]) -> None:
        """Give a memory a new text. Raises Problem 404."""
        try:
            [vector] = await self._model.embed([text])
        except ModelError as error:
            raise model_failed(str(error)) from error
        intent: Intent | None = None

        async def write(conn: Connection) -> None:
            nonlocal intent
            before = await self.collection.get(conn, memory_id, lock=True)
            if before is None:
                raise not_found(memory_id)
            after = Memory(memory_id, changed_payload(before, text, metadata))
            await self.collection.update(conn, memory_id, after.payload, vector)
            intent = await self._intents.record(conn, before.scope.key(), None, [entry("UPDATE", before, after)])

        await self._commit("update", write, lambda: intent)
        self._metrics.memories_written.labels("UPDATE").inc()
        await self._finish(intent)

    async def delete(self, memory_id: UUID) -> None:
        """Forget a memory, and the relations that came with it alone. Raises Problem 404."""
        intent: Intent | None = None

        async def write(conn: Connection) -> None:
            nonlocal intent
            before = await self.collection.get(conn, memory_id, lock=True)
            if before is None:
                raise not_found(memory_id)
            await self.collection.delete(conn, [memory_id])
            graph = GraphChange(before.scope.node_ids(), forget=[str(memory_id)])
            intent = await self._intents.record(conn, before.scope.key(), graph, [entry("DELETE", before, None)])

        await self._commit("delete", write, lambda: intent)
        self._metrics.memories_written.labels("DELETE").inc()
        await self._finish(intent)

    async def delete_all(self, scope: Scope) -> int:
        """Forget all memories of a scope and its part of the graph. Returns how many memories."""
        intent: Intent | None = None
        where = condition(scope)

        async def write(conn: Connection) -> int:
            nonlocal intent
            gone = await self.collection.delete_where(conn, where, scope.key(), now(), HISTORY_CHUNK)
            intent = await self._intents.record(conn, scope.key(), GraphChange(scope.ids(), wipe="scope"), [])
            return gone

        try:
            count = await self._postgres.run("delete_all", write, self._settings.add_timeout_s)
        except BaseException:
            if intent:
                self._intents.release(intent)
            raise
        self._metrics.memories_written.labels("DELETE").inc(count)
        await self._finish(intent)
        return count

    async def users(self, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Who has memories, and how many."""

        async def read(conn: Connection) -> tuple[list[dict[str, Any]], int]:
            return await self.collection.users(conn, limit, offset)

        return await self._postgres.run("users", read)

    async def reset(self) -> None:
        """Forget everything, in all stores."""
        intent: Intent | None = None

        async def write(conn: Connection) -> None:
            nonlocal intent
            await self.collection.truncate(conn)
            await conn.execute("TRUNCATE mem0_idempotency")
            intent = await self._intents.record(conn, "", GraphChange({}, wipe="everything"), [])

        await self._commit("reset", write, lambda: intent)
        await self._finish(intent)
        await self._history.clear()

    async def _finish(self, intent: Intent | None) -> None:
        if intent:
            await asyncio.shield(self._intents.carry_out(intent))


def rank(query: str, found: list[Relation]) -> list[Relation]:
    """The relations that fit the question best, by upstream's measure (BM25 over their three names)."""
    if not found:
        return []
    rows = [[r.source, r.relationship, r.destination] for r in found]
    words = query.lower().split()
    return [Relation(*row) for row in BM25Okapi(rows).get_top_n(words, rows, n=RELATIONS_SHOWN)]


def _relations_reply(added: list[dict[str, str]], deleted: list[dict[str, str]]) -> dict[str, Any]:
    """Upstream's form: a list of one-row results for each relation."""

    def rows(relations: list[dict[str, str]]) -> list[list[dict[str, str]]]:
        return [
            [{"source": r["source"], "relationship": r["relationship"], "target": r["destination"]}] for r in relations
        ]

    return {"deleted_entities": rows(deleted), "added_entities": rows(added)}
