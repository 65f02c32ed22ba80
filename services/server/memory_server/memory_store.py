"""The core: what a client can do with memories. It owns the consistency of the three stores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from rank_bm25 import BM25Okapi

from memory_server import extraction
from memory_server.adding import Add, Adder
from memory_server.collection import Collection, Order
from memory_server.commits import Commits, Leave
from memory_server.concurrency import together
from memory_server.domain import CANARY, GraphChange, Memory, Reach, Relation, Scope, now
from memory_server.entity_names import mentioned
from memory_server.errors import Problem, not_found, timed_out
from memory_server.filters import condition
from memory_server.graph import Graph, PermanentGraphError
from memory_server.graph_scope import is_narrow
from memory_server.history import ALL, History
from memory_server.intents import Intents, deletion_waits
from memory_server.metrics import Metrics
from memory_server.model_client import ModelClient, ModelError
from memory_server.planning import Planner, changed_payload, entry, text_hash
from memory_server.postgres import Connection, Postgres
from memory_server.settings import Settings

RELATIONS_SHOWN = 5
"""Relations in a search reply, upstream's figure."""
RELATIONS_RANKED = 200
HISTORY_CHUNK = 1000
CANARY_TEXT = "The canary in the health check sings."
CANARY_QUESTION = "Does the canary sing?"
_EXPIRED = "created_at < now() - make_interval(hours => %s)"


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
        self._metrics = metrics
        self.collection = Collection(settings.memory_collection)
        self.commits = Commits(postgres, intents, settings.store_timeout_s * 2)
        self._adder = Adder(
            collection=self.collection,
            postgres=postgres,
            commits=self.commits,
            model=model,
            planner=Planner(model, graph),
            metrics=metrics,
            timeout_s=settings.add_timeout_s,
        )

    async def add(self, request: Add) -> dict[str, Any]:
        """Remember. Returns upstream's reply; `pending: ["graph"]` in it where the repair finishes the graph half."""
        return await self._adder.add(request)

    async def replayed(self, owner: str, key: str, fingerprint: str) -> dict[str, Any] | None:
        """The reply given earlier to an Idempotency-Key; None for a new key. Raises Problem 422 on another body."""

        async def read(conn: Connection) -> Any:
            text = f"SELECT fingerprint, reply FROM mem0_idempotency WHERE owner = %s AND key = %s AND NOT {_EXPIRED}"
            return await (await conn.execute(text, (owner, key, self._settings.idempotency_hours))).fetchone()

        row = await self._postgres.run("replayed", read)
        if row and row[0] != fingerprint:
            raise Problem(422, "idempotency-key-reused", "This Idempotency-Key was used for another request.")
        return dict(row[1]) if row else None

    async def expire_keys(self) -> None:
        """Forget the replies to Idempotency-Keys that are older than the settings say."""

        async def write(conn: Connection) -> None:
            await conn.execute(f"DELETE FROM mem0_idempotency WHERE {_EXPIRED}", (self._settings.idempotency_hours,))

        await self._postgres.run("expire_keys", write)

    async def get(self, memory_id: UUID, reach: Reach) -> Memory:
        """One memory. Raises Problem 404, as well when it is out of reach."""

        async def read(conn: Connection) -> Memory | None:
            return await self.collection.get(conn, memory_id)

        memory = await self._postgres.run("get", read)
        return _reached(memory, memory_id, reach)

    async def page(
        self, scope: Scope, filters: Mapping[str, Any] | None, order: Order, limit: int, offset: int
    ) -> Found:
        """A page of memories with their total, and the same page of the relations of the scope."""
        where = condition(scope, filters)

        async def read(conn: Connection) -> tuple[list[Memory], int]:
            return await self.collection.page(conn, where, order, limit, offset)

        (memories, total), (relations, degraded) = await together(
            self._postgres.run("page", read), self._tolerant(self._graph.all(scope.ids(), limit, offset))
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
            raise error.problem() from error
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

    async def history(self, memory_id: UUID, reach: Reach, limit: int = ALL) -> list[dict[str, Any]]:
        """The last changes of a memory, also of a deleted one. Raises Problem 404 when there never was one.

        Whose a deleted memory was is not kept, and its id may have come to somebody else by an import: a reach of some
        users ends at the last deletion.
        """
        if reach.users is None:
            found = await self._history.of(str(memory_id), limit)
            if not found:
                await self.get(memory_id, reach)
            return found
        await self.get(memory_id, reach)
        if await self._postgres.run("deletions", lambda conn: deletion_waits(conn, memory_id)):
            return []
        found = await self._history.of(str(memory_id), limit)
        deleted = [n for n, change in enumerate(found) if change["event"] == "DELETE"]
        return found[deleted[-1] + 1 :] if deleted else found

    async def update(self, memory_id: UUID, text: str, metadata: dict[str, Any], reach: Reach) -> None:
        """Give a memory a new text. Raises Problem 404, as well when it is out of reach."""
        try:
            [vector] = await self._model.embed([text])
        except ModelError as error:
            raise error.problem() from error

        async def write(conn: Connection, leave: Leave) -> None:
            before = _reached(await self.collection.get(conn, memory_id, lock=True), memory_id, reach)
            after = Memory(memory_id, changed_payload(before, text, metadata))
            await self.collection.update(conn, memory_id, after.payload, vector)
            await leave(before.scope.key(), None, [entry("UPDATE", before, after)])

        await self.commits.commit("update", write)
        self._metrics.memories_written.labels("UPDATE").inc()

    async def delete(self, memory_id: UUID, reach: Reach) -> None:
        """Forget a memory, and the relations that came with it alone. Raises Problem 404, also when out of reach."""

        async def write(conn: Connection, leave: Leave) -> None:
            before = _reached(await self.collection.get(conn, memory_id, lock=True), memory_id, reach)
            await self.collection.delete(conn, [memory_id])
            change = GraphChange(before.scope.node_ids(), forget=[str(memory_id)])
            await leave(before.scope.key(), change, [entry("DELETE", before, None)])

        await self.commits.commit("delete", write)
        self._metrics.memories_written.labels("DELETE").inc()

    async def delete_all(self, scope: Scope) -> int:
        """Forget all memories of a scope and its part of the graph. Returns how many memories."""
        where = condition(scope)

        async def write(conn: Connection, leave: Leave) -> int:
            # Of a user's graph nothing is left; of a part of it there may be relations that others told as well.
            graph = GraphChange(scope.ids()) if is_narrow(scope.ids()) else None
            gone = await self.collection.delete_where(conn, where, scope.key(), graph, now(), HISTORY_CHUNK)
            await leave(scope.key(), GraphChange(scope.ids(), wipe="scope"), [])
            return gone

        count, _ = await self.commits.commit("delete_all", write, self._settings.add_timeout_s)
        self._metrics.memories_written.labels("DELETE").inc(count)
        await self.commits.settle()
        return count

    async def users(self, reach: Reach, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Who within reach has memories, and how many."""

        async def read(conn: Connection) -> tuple[list[dict[str, Any]], int]:
            return await self.collection.users(conn, reach, limit, offset)

        return await self._postgres.run("users", read)

    async def canary(self) -> dict[str, float]:
        """Write a memory, find it by its meaning and remove it, in one transaction: nobody else ever sees it.

        The transaction is committed, so that Postgres' log has to take it. Raises Problem 503 when it is not found.
        """
        started = time.perf_counter()
        try:
            vector, question = await self._model.embed([CANARY_TEXT, CANARY_QUESTION], fresh=True)
        except ModelError as error:
            raise error.problem() from error
        embedded = time.perf_counter()
        scope = Scope(user_id=CANARY)

        async def write(conn: Connection) -> list[Memory]:
            memory_id = uuid4()
            payload = {"data": CANARY_TEXT, "hash": text_hash(CANARY_TEXT), "created_at": now(), **scope.ids()}
            await self.collection.insert(conn, [(memory_id, vector, payload)])
            found = await self.collection.nearest(conn, question, condition(scope), 1)
            await self.collection.delete(conn, [memory_id])
            return [memory for memory in found if memory.id == memory_id]

        found = await self._postgres.run("canary", write)
        if not found:
            raise Problem(503, "canary-not-found", "A memory that was just written is not found by its meaning.")
        milliseconds = {"model": embedded - started, "store": time.perf_counter() - embedded}
        return {
            "similarity": round(1.0 - (found[0].distance or 0.0), 3),
            **{f"{part}_milliseconds": round(took * 1000, 1) for part, took in milliseconds.items()},
        }

    async def reset(self) -> None:
        """Forget everything, in all stores."""

        async def write(conn: Connection, leave: Leave) -> None:
            await self.collection.truncate(conn)
            await conn.execute("TRUNCATE mem0_idempotency")
            await leave("", GraphChange({}, wipe="everything"), [])

        await self.commits.commit("reset", write)
        await self._history.clear()


def _reached(memory: Memory | None, memory_id: UUID, reach: Reach) -> Memory:
    """The memory, where there is one within reach; nobody learns whether there is one beyond. Raises Problem 404."""
    if memory is None or not reach.covers(memory.scope):
        raise not_found(memory_id)
    return memory


def rank(query: str, found: list[Relation]) -> list[Relation]:
    """The relations that fit the question best, by upstream's measure (BM25 over their three names)."""
    if not found:
        return []
    rows = [[r.source, r.relationship, r.destination] for r in found]
    words = query.lower().split()
    return [Relation(*row) for row in BM25Okapi(rows).get_top_n(words, rows, n=RELATIONS_SHOWN)]
