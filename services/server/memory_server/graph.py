"""Neo4j: entities and relations in upstream's layout (`base_label: true`), each change in one transaction.

Entity nodes carry the label `__Entity__` and one of their type, relations the property `valid`; a relation that is
no longer true stays with `valid = false`. Ours beside it: `memory_ids` on a relation, the memories it came with,
`told_by`, the scopes that told it, and the nodes `Mem0Identity` and `Mem0Applied` (which intent has been carried out).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncManagedTransaction
from neo4j.exceptions import ClientError, DriverError, Neo4jError

from memory_server import logs
from memory_server.domain import NO_USER, GraphChange, Relation, Vector
from memory_server.entity_names import resolve_new, without_loops
from memory_server.errors import Problem, store_unavailable
from memory_server.graph_scope import NARROWING, TELL, by, forgetting, is_narrow, mark, parameters, props, tellers, told
from memory_server.metrics import Metrics
from memory_server.settings import Settings

T = TypeVar("T")

NAME = "Neo4j"
LAYOUT = 2
"""Kept with the identity. From 2 on, what belongs to no user bears `NO_USER` in place of a name."""
SIMILAR_LIMIT = 100
"""Relations looked at per entity name, upstream's figure."""

# The first two are upstream's, by its names.
SCHEMA = (
    "CREATE INDEX entity_single IF NOT EXISTS FOR (n:__Entity__) ON (n.user_id)",
    "CREATE INDEX entity_composite IF NOT EXISTS FOR (n:__Entity__) ON (n.name, n.user_id)",
    "CREATE INDEX entity_agent IF NOT EXISTS FOR (n:__Entity__) ON (n.agent_id)",
    "CREATE INDEX entity_run IF NOT EXISTS FOR (n:__Entity__) ON (n.run_id)",
    "CREATE CONSTRAINT mem0_applied IF NOT EXISTS FOR (n:Mem0Applied) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT mem0_identity IF NOT EXISTS FOR (n:Mem0Identity) REQUIRE n.only_one IS UNIQUE",
)

# Upstream's measure: cosine between -1 and 1, rounded to four digits.
SIMILARITY = "round(2 * vector.similarity.cosine(n.embedding, {vector}) - 1, 4)"

Work: TypeAlias = Callable[[AsyncManagedTransaction], Awaitable[T]]


BEFORE_BINDING = frozenset({"ping", "identity", "entities_exist", "create_schema", "bind", "keep_applied", "layout"})
"""What may be asked before the database has been found to be ours."""


class PermanentGraphError(Exception):
    """Neo4j refuses a change for good: repeating it will not help."""


class Graph:
    """Questions and changes of the graph, each bounded in time."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self.instance_id: str | None = None
        """Set once the database has been found to be ours; until then nothing but the identity is asked."""
        self._driver: AsyncDriver = AsyncGraphDatabase.driver(
            settings.neo4j_uri,
            auth=(settings.neo4j_username, settings.neo4j_password.get_secret_value()),
            max_connection_pool_size=settings.neo4j_pool_max,
            connection_timeout=settings.probe_timeout_s,
            connection_acquisition_timeout=settings.store_timeout_s,
            # Repeats are ours to decide, within a bound.
            max_transaction_retry_time=0,
            # A connection idle this long is asked before use: Neo4j may have been restarted.
            liveness_check_timeout=5,
            notifications_min_severity="OFF",
            user_agent="mem0-server",
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._driver.close()

    async def _bounded(self, operation: str, timeout_s: float, work: Callable[[], Awaitable[T]]) -> T:
        if self.instance_id is None and operation not in BEFORE_BINDING:
            raise store_unavailable(NAME, "has not been reached since the start")
        with self._metrics.call("neo4j", operation):
            try:
                async with asyncio.timeout(timeout_s):
                    return await work()
            except TimeoutError as error:
                raise store_unavailable(NAME, f"did not answer within {timeout_s:g} s") from error
            except ClientError as error:
                # Also what a wrong password is; the code says so and holds no text of a memory.
                logs.server.error("neo4j refused", extra={"fields": {"operation": operation, "code": error.code}})
                if error.code.startswith(("Neo.ClientError.Statement", "Neo.ClientError.Schema")):
                    raise PermanentGraphError(error.code) from error
                raise store_unavailable(NAME, f"refused ({error.code})") from error
            except (DriverError, Neo4jError, OSError) as error:
                fields = {"operation": operation, "error": type(error).__name__}
                logs.server.warning("neo4j call failed", extra={"fields": fields})
                raise store_unavailable(NAME, "cannot be reached") from error

    async def _read(self, operation: str, work: Work[T], timeout_s: float | None = None) -> T:
        async def call() -> T:
            async with self._driver.session() as session:
                return await session.execute_read(work)

        return await self._bounded(operation, timeout_s or self._settings.graph_read_timeout_s, call)

    async def layout(self, text: str, **values: Any) -> list[dict[str, Any]]:
        """One statement on the layout of the whole database, before it is served. Returns its rows."""

        async def work(tx: AsyncManagedTransaction) -> list[dict[str, Any]]:
            return await (await tx.run(text, **values)).data()

        return await self._write("layout", work)

    async def _write(self, operation: str, work: Work[T]) -> T:
        async def call() -> T:
            async with self._driver.session() as session:
                return await session.execute_write(work)

        return await self._bounded(operation, self._settings.store_timeout_s, call)

    async def ping(self) -> None:
        """Ask for an answer, and whether this is still our database. Raises Problem 503."""

        async def ask(tx: AsyncManagedTransaction) -> bool:
            result = await tx.run(
                "MATCH (n:Mem0Identity {only_one: true, instance_id: $id}) RETURN 1 LIMIT 1", id=self.instance_id
            )
            return await result.single() is not None

        ours = await self._read("ping", ask, self._settings.probe_timeout_s)
        if self.instance_id and not ours:
            raise _swapped()

    async def create_schema(self) -> None:
        """Make the indexes and constraints that are missing."""

        async def call() -> None:
            async with self._driver.session() as session:
                for statement in SCHEMA:
                    await (await session.run(statement)).consume()

        await self._bounded("create_schema", self._settings.store_timeout_s * 4, call)

    async def identity(self) -> tuple[str, str, int] | None:
        """Instance id, embedder and dimensions this database was bound to; None when it never was."""

        async def ask(tx: AsyncManagedTransaction) -> tuple[str, str, int] | None:
            result = await tx.run(
                "MATCH (n:Mem0Identity {only_one: true}) RETURN n.instance_id, n.embedder, n.dimensions"
            )
            record = await result.single()
            return (record[0], record[1], record[2]) if record else None

        return await self._read("identity", ask, self._settings.store_timeout_s)

    async def entities_exist(self) -> bool:
        """Whether there is any entity."""

        async def ask(tx: AsyncManagedTransaction) -> bool:
            return await (await tx.run("MATCH (n:__Entity__) RETURN 1 LIMIT 1")).single() is not None

        return await self._read("entities_exist", ask)

    async def bind(self, instance_id: str, embedder: str, dimensions: int, at: str) -> None:
        """Write the identity into a new database."""

        async def change(tx: AsyncManagedTransaction) -> None:
            text = "MERGE (n:Mem0Identity {only_one: true}) SET n += $values"
            values = {"instance_id": instance_id, "embedder": embedder, "dimensions": dimensions, "created_at": at}
            values["layout"] = LAYOUT
            await (await tx.run(text, values=values)).consume()

        await self._write("bind", change)

    async def similar(self, scope: dict[str, str], vectors: list[Vector]) -> list[Relation]:
        """Valid relations of the entities whose name is near one of `vectors`, nearest first. For updating."""
        text = f"""
            UNWIND $vectors AS vector
            MATCH (n:__Entity__ {props(scope)}) WHERE n.embedding IS NOT NULL
            WITH vector, n, {SIMILARITY.format(vector="vector")} AS similarity WHERE similarity >= $threshold
            MATCH (n)-[r]-(m:__Entity__ {props(scope)}) WHERE {told(scope)}
            WITH startNode(r).name AS s, type(r) AS t, endNode(r).name AS d, max(similarity) AS similarity
            RETURN s, t, d ORDER BY similarity DESC, s, t, d LIMIT $limit"""
        values = {"vectors": vectors, "threshold": self._settings.graph_threshold, "limit": SIMILAR_LIMIT}
        return await self._relations("similar", text, scope, values, self._settings.store_timeout_s)

    async def of_names(self, scope: dict[str, str], names: list[str], limit: int) -> list[Relation]:
        """Valid relations of the entities with one of `names`. For searching: index look-ups only."""
        text = f"""
            MATCH (n:__Entity__ {props(scope)}) WHERE n.name IN $names
            MATCH (n)-[r]-(m:__Entity__ {props(scope)}) WHERE {told(scope)}
            WITH DISTINCT r LIMIT $limit
            RETURN startNode(r).name AS s, type(r) AS t, endNode(r).name AS d ORDER BY s, t, d"""
        return await self._relations("of_names", text, scope, {"names": names, "limit": limit})

    async def all(self, scope: dict[str, str], limit: int, offset: int) -> list[Relation]:
        """A page of the valid relations of a scope, for listing."""
        text = f"""
            MATCH (n:__Entity__ {props(scope)})-[r]->(m:__Entity__ {props(scope)})
            WHERE {told(scope)}
            RETURN n.name AS s, type(r) AS t, m.name AS d ORDER BY s, id(r) SKIP $offset LIMIT $limit"""
        return await self._relations("all", text, scope, {"limit": limit, "offset": offset})

    async def export(self, scope: dict[str, str], page: int) -> AsyncIterator[dict[str, Any]]:
        """Valid relations with their types, owners, memories and who of the scope told them.

        Page by page: a reader that stalls holds nothing.
        """
        within = f"t = '' OR ({by(scope, 't')})" if is_narrow(scope) else "true"
        text = f"""
            MATCH (n:__Entity__ {props(scope)}) WHERE n.name >= $name
            MATCH (n)-[r]->(m:__Entity__ {props(scope)})
            WHERE {told(scope)} AND (n.name > $name OR id(r) > $last)
            WITH n, r, m, id(r) AS key ORDER BY n.name, key LIMIT $page
            RETURN key, n.name AS source, type(r) AS relationship, m.name AS destination,
                head([l IN labels(n) WHERE l <> '__Entity__']) AS source_type,
                head([l IN labels(m) WHERE l <> '__Entity__']) AS destination_type,
                n.user_id AS user_id, n.agent_id AS agent_id, n.run_id AS run_id,
                coalesce(r.memory_ids, []) AS memory_ids, [t IN r.told_by WHERE {within}] AS told_by"""
        name, last = "", -1
        while True:
            values = {"name": name, "last": last, "page": page}

            async def ask(tx: AsyncManagedTransaction, values: dict[str, Any] = values) -> list[dict[str, Any]]:
                return await (await tx.run(text, scope=parameters(scope), **values)).data()

            rows = await self._read("export", ask, self._settings.store_timeout_s)
            for row in rows:
                name, last = row["source"], row.pop("key")
                if row["told_by"] is not None:
                    row["told_by"] = tellers(row["told_by"], row["agent_id"], row["run_id"]) or None
                yield {key: value for key, value in row.items() if value is not None and value != NO_USER}
            if len(rows) < page:
                return

    async def _relations(
        self,
        operation: str,
        text: str,
        scope: dict[str, str],
        values: dict[str, Any],
        timeout_s: float | None = None,
    ) -> list[Relation]:
        async def ask(tx: AsyncManagedTransaction) -> list[Relation]:
            result = await tx.run(text, scope=parameters(scope), **values)
            return [Relation(record["s"], record["t"], record["d"]) async for record in result]

        return await self._read(operation, ask, timeout_s)

    async def apply(self, intent_id: str, change: GraphChange) -> list[Relation]:
        """Carry a change out, exactly once however often it is called. Returns the relations as they are named now.

        Raises Problem 503 when it may be tried again, PermanentGraphError when not.
        """

        async def work(tx: AsyncManagedTransaction) -> list[Relation]:
            text = "MERGE (a:Mem0Applied {id: $id}) ON CREATE SET a.first = true " \
                "WITH a, a.first AS first REMOVE a.first RETURN first"  # fmt: skip
            record = await (await tx.run(text, id=intent_id, instance=self.instance_id)).single()
            if record is None:
                raise _swapped()
            if not record["first"]:
                return change.add
            if change.wipe:
                await self._wipe(tx, change)
            await self._forget(tx, change)
            await self._take_off(tx, change)
            await self._invalidate(tx, change)
            return await self._add(tx, change)

        return await self._write("apply", work)

    async def forget_applied(self, intent_ids: list[str]) -> None:
        """Drop the marks of intents that are no longer in Postgres."""

        async def change(tx: AsyncManagedTransaction) -> None:
            text = "MATCH (a:Mem0Applied) WHERE a.id IN $ids DELETE a"
            await (await tx.run(text, ids=intent_ids)).consume()

        await self._write("forget_applied", change)

    async def keep_applied(self, intent_ids: list[str]) -> None:
        """Drop all marks but those of intents that are still in Postgres."""

        async def change(tx: AsyncManagedTransaction) -> None:
            text = "MATCH (a:Mem0Applied) WHERE NOT a.id IN $ids DELETE a"
            await (await tx.run(text, ids=intent_ids)).consume()

        await self._write("keep_applied", change)

    async def _wipe(self, tx: AsyncManagedTransaction, change: GraphChange) -> None:
        statements = forgetting(change.scope) if change.wipe == "scope" else ["MATCH (n:__Entity__) DETACH DELETE n"]
        for statement in statements:
            await (await tx.run(statement, scope=parameters(change.scope))).consume()

    async def _forget(self, tx: AsyncManagedTransaction, change: GraphChange) -> None:
        """Relations that came with memories that are gone: no longer valid once the last of these is."""
        if not change.forget:
            return
        text = f"""
            {self._without_gone(change)}
            WITH r WHERE size(r.memory_ids) = 0 AND (r.valid IS NULL OR r.valid)
            SET r.valid = false, r.invalidated_at = datetime()"""
        await (await tx.run(text, scope=parameters(change.scope), gone=change.forget)).consume()

    async def _take_off(self, tx: AsyncManagedTransaction, change: GraphChange) -> None:
        """Memories that went with their scope come off the relations that others told as well."""
        if change.gone:
            text = self._without_gone(change)
            await (await tx.run(text, scope=parameters(change.scope), gone=change.gone)).consume()

    @staticmethod
    def _without_gone(change: GraphChange) -> str:
        # The memory may have moved into an agent or a run since its relations were told.
        owner = {key: value for key, value in change.scope.items() if key not in NARROWING}
        return f"""
            MATCH (n:__Entity__ {props(owner)})-[r]->()
            WHERE any(id IN r.memory_ids WHERE id IN $gone)
            SET r.memory_ids = [id IN r.memory_ids WHERE NOT id IN $gone]"""

    async def _invalidate(self, tx: AsyncManagedTransaction, change: GraphChange) -> None:
        if not change.invalidate:
            return
        text = f"""
            UNWIND $rows AS row
            MATCH (n:__Entity__ {props(change.scope, "row.source")})-[r]->
                  (m:__Entity__ {props(change.scope, "row.destination")})
            WHERE type(r) = row.relationship AND {told(change.scope)}
            SET r.valid = false, r.invalidated_at = datetime()"""
        rows = [vars(relation) for relation in change.invalidate]
        await (await tx.run(text, scope=parameters(change.scope), rows=rows)).consume()

    async def _add(self, tx: AsyncManagedTransaction, change: GraphChange) -> list[Relation]:
        if not change.add:
            return []
        names = list(dict.fromkeys(n for r in change.add for n in (r.source, r.destination)))
        known = await self._known(tx, change, names)
        aliases = resolve_new(change, set(known), self._settings.graph_threshold)
        fresh = [
            {"name": name, "vector": change.vectors[name], "type": _label(change.types.get(name))}
            for name in names
            if name not in known and aliases.get(name, name) == name
        ]
        create = f"""
            UNWIND $rows AS row
            CREATE (n:__Entity__ {props(change.scope, "row.name")})
            SET n:$(row.type), n.created = timestamp(), n.mentions = 0
            WITH n, row CALL db.create.setNodeVectorProperty(n, 'embedding', row.vector)
            RETURN row.name AS name, elementId(n) AS id"""
        created = await tx.run(create, scope=parameters(change.scope), rows=fresh)
        ids = known | {record["name"]: record["id"] async for record in created}
        rows = [
            {
                "s": ids[aliases.get(r.source, r.source)],
                "t": r.relationship,
                "d": ids[aliases.get(r.destination, r.destination)],
            }
            for r in change.add
        ]
        relate = f"""
            UNWIND $rows AS row
            MATCH (s) WHERE elementId(s) = row.s
            MATCH (d) WHERE elementId(d) = row.d
            SET s.mentions = coalesce(s.mentions, 0) + 1
            SET d.mentions = coalesce(d.mentions, 0) + 1
            MERGE (s)-[r:$(row.t)]->(d)
            ON CREATE SET r.created_at = timestamp(), r.mentions = 0, r.told_by = []
            SET {TELL}, r.mentions = coalesce(r.mentions, 0) + 1, r.valid = true, r.updated_at = timestamp(),
                r.invalidated_at = null,
                r.memory_ids = coalesce(r.memory_ids, []) + [id IN $ids WHERE NOT id IN coalesce(r.memory_ids, [])]
            RETURN s.name AS s, type(r) AS t, d.name AS d"""
        by_whom = change.told_by or [mark(change.scope.get("agent_id"), change.scope.get("run_id"))]
        result = await tx.run(relate, rows=rows, ids=change.memory_ids, tellers=by_whom)
        return [Relation(record["s"], record["t"], record["d"]) async for record in result]

    async def _known(self, tx: AsyncManagedTransaction, change: GraphChange, names: list[str]) -> dict[str, str]:
        """Element ids of the nodes that stand for `names`: of that name, else the nearest above the threshold."""
        exact = f"""
            UNWIND $names AS name
            MATCH (n:__Entity__ {props(change.scope, "name")})
            WITH name, min(elementId(n)) AS id RETURN name, id"""
        result = await tx.run(exact, scope=parameters(change.scope), names=names)
        found = {record["name"]: record["id"] async for record in result}
        missing = [{"name": n, "vector": change.vectors[n]} for n in names if n not in found]
        near = f"""
            UNWIND $rows AS row
            MATCH (n:__Entity__ {props(change.scope)}) WHERE n.embedding IS NOT NULL
            WITH row, n, {SIMILARITY.format(vector="row.vector")} AS similarity WHERE similarity >= $threshold
            WITH row, n ORDER BY similarity DESC, n.name
            WITH row, collect(elementId(n))[0] AS id RETURN row.name AS name, id"""
        if missing:
            threshold = self._settings.graph_threshold
            result = await tx.run(near, scope=parameters(change.scope), rows=missing, threshold=threshold)
            nearby = {record["name"]: record["id"] async for record in result}
            found |= without_loops(change, found, nearby)
        return found


def is_reserved_label(label: str) -> bool:
    """Whether a label marks nodes of the server's own, or every entity: no entity may have it as its type."""
    return label == "__Entity__" or label.startswith("Mem0")


def _label(kind: str | None) -> str:
    """The label of an entity's type, upstream's own for one that has none to speak of."""
    return "__User__" if not kind or is_reserved_label(kind) else kind


def _swapped() -> Problem:
    return store_unavailable(NAME, "is not the database this stack was deployed with any more: see ./mem0 status")
