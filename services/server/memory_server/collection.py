"""The collection: upstream's table `memories (id, vector, payload)`, one function per question or change.

Every function takes the connection, so that a write composes several into one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from memory_server.domain import GraphChange, Memory, Reach, Vector
from memory_server.errors import Problem
from memory_server.filters import Condition
from memory_server.postgres import Connection

Order = Literal["newest", "oldest", "updated"]
ORDERS: dict[Order, sql.SQL] = {
    "newest": sql.SQL("payload->>'created_at' DESC, id"),
    "oldest": sql.SQL("payload->>'created_at', id"),
    "updated": sql.SQL("payload->>'updated_at' DESC, id"),
}

STORED_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$"
"""What `moments.written` writes."""
MAX_REPLY_BYTES = 4 * 1024 * 1024
"""Payloads of one reply, or of one page of an export: three lists of 1,000 large memories once ended the server."""


class Collection:
    """Queries on one collection table."""

    def __init__(self, name: str) -> None:
        self._table = sql.Identifier(name)

    def _sql(self, text: str, **parts: sql.Composable) -> sql.Composed:
        return sql.SQL(text).format(table=self._table, **parts)

    async def get(self, conn: Connection, memory_id: UUID, *, lock: bool = False) -> Memory | None:
        """One memory; with `lock` nobody changes it until this transaction ends."""
        text = "SELECT id, payload FROM {table} WHERE id = %s" + (" FOR UPDATE" if lock else "")
        row = await (await conn.execute(self._sql(text), (memory_id,))).fetchone()
        return Memory(row[0], row[1]) if row else None

    async def any(self, conn: Connection, where: Condition) -> bool:
        """Whether there is a memory that passes the filter."""
        found = await conn.execute(self._sql("SELECT 1 FROM {table} WHERE {where} LIMIT 1", where=where[0]), where[1])
        return await found.fetchone() is not None

    async def lock(self, conn: Connection, ids: Iterable[UUID]) -> dict[UUID, Memory]:
        """Those of `ids` that exist, held until this transaction ends. Always in one order: no deadlock."""
        text = "SELECT id, payload FROM {table} WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
        rows = await (await conn.execute(self._sql(text), (list(ids),))).fetchall()
        return {row[0]: Memory(row[0], row[1]) for row in rows}

    async def nearest(self, conn: Connection, vector: Vector, where: Condition, limit: int) -> list[Memory]:
        """The memories nearest to `vector` among those that pass the filter, best first."""
        text = "SELECT id, payload, vector <=> %s::vector AS distance FROM {table} WHERE {where} " \
            "ORDER BY distance LIMIT %s"  # fmt: skip
        rows = await self._measured(conn, self._sql(text, where=where[0]), (literal(vector), *where[1], limit))
        # The index yields rows nearly in order (iterative scan).
        return sorted((Memory(row[0], row[1], float(row[2])) for row in rows), key=lambda m: m.distance or 0.0)

    async def page(
        self, conn: Connection, where: Condition, order: Order, limit: int, offset: int
    ) -> tuple[list[Memory], int]:
        """One page of the memories that pass the filter, and how many do."""
        count = await (
            await conn.execute(self._sql("SELECT count(*) FROM {table} WHERE {where}", where=where[0]), where[1])
        ).fetchone()
        text = "SELECT id, payload FROM {table} WHERE {where} ORDER BY {order} LIMIT %s OFFSET %s"
        query = self._sql(text, where=where[0], order=ORDERS[order])
        rows = await self._measured(conn, query, (*where[1], limit, offset))
        return [Memory(row[0], row[1]) for row in rows], int(count[0]) if count else 0

    async def _measured(self, conn: Connection, query: sql.Composable, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a query for one reply. Raises Problem 413 before more of them come than a reply may have."""
        rows = await (await conn.execute(_up_to_a_reply(query), (*values, MAX_REPLY_BYTES))).fetchall()
        if rows and rows[-1][-1] > MAX_REPLY_BYTES:
            detail = f"The memories asked for have more than {MAX_REPLY_BYTES} bytes: ask for fewer with limit."
            raise Problem(413, "reply-too-large", detail)
        return rows

    async def after(
        self, conn: Connection, where: Condition, last: UUID | None, limit: int, *, vectors: bool
    ) -> list[tuple[Memory, Vector | None]]:
        """The memories that follow `last` in the order of ids, as many as make a page; with their vectors if asked."""
        text = "SELECT id, payload, {vector} FROM {table} WHERE {where} AND (%s::uuid IS NULL OR id > %s) " \
            "ORDER BY id LIMIT %s"  # fmt: skip
        query = self._sql(text, where=where[0], vector=sql.SQL("vector::text" if vectors else "NULL"))
        page = sql.SQL("{} ORDER BY id").format(_up_to_a_reply(query))
        found = await conn.execute(page, (*where[1], last, last, limit, MAX_REPLY_BYTES))
        return [(Memory(row[0], row[1]), json.loads(row[2]) if vectors else None) for row in await found.fetchall()]

    async def insert(self, conn: Connection, rows: Sequence[tuple[UUID, Vector, dict[str, Any]]]) -> None:
        """Add memories; an id that exists is an error."""
        text = "INSERT INTO {table} (id, vector, payload) VALUES (%s, %s::vector, %s)"
        values = [(memory_id, literal(vector), Jsonb(payload)) for memory_id, vector, payload in rows]
        async with conn.cursor() as cursor:
            await cursor.executemany(self._sql(text), values)

    async def insert_missing(self, conn: Connection, rows: Sequence[tuple[UUID, Vector, dict[str, Any]]]) -> set[UUID]:
        """Add those memories whose id is not there yet; returns the ids added."""
        text = (
            "INSERT INTO {table} (id, vector, payload) SELECT * FROM unnest(%s::uuid[], %s::vector[], %s::jsonb[]) "
            "ON CONFLICT (id) DO NOTHING RETURNING id"
        )
        ids, vectors, payloads = zip(*((i, literal(v), Jsonb(p)) for i, v, p in rows), strict=True)
        found = await conn.execute(self._sql(text), (list(ids), list(vectors), list(payloads)))
        return {row[0] for row in await found.fetchall()}

    async def users_of(self, conn: Connection, ids: Iterable[UUID]) -> dict[UUID, str | None]:
        """Those of `ids` that are there, with the user each belongs to."""
        text = "SELECT id, payload->>'user_id' FROM {table} WHERE id = ANY(%s)"
        found = await conn.execute(self._sql(text), (list(ids),))
        return {row[0]: row[1] for row in await found.fetchall()}

    async def update(
        self, conn: Connection, memory_id: UUID, payload: dict[str, Any], vector: Vector | None = None
    ) -> None:
        """Replace a memory's payload, and its vector when given."""
        if vector is None:
            await conn.execute(self._sql("UPDATE {table} SET payload = %s WHERE id = %s"), (Jsonb(payload), memory_id))
        else:
            text = "UPDATE {table} SET payload = %s, vector = %s::vector WHERE id = %s"
            await conn.execute(self._sql(text), (Jsonb(payload), literal(vector), memory_id))

    async def with_other_moments(self, conn: Connection, last: UUID, limit: int) -> list[tuple[UUID, dict[str, Any]]]:
        """Memories after `last` whose moments are not in the form that is stored, held; only those two members."""
        text = """
            SELECT id, jsonb_build_object('created_at', payload->'created_at', 'updated_at', payload->'updated_at')
            FROM {table} WHERE id > %s AND (payload->>'created_at' !~ %s OR payload->>'updated_at' !~ %s)
            ORDER BY id LIMIT %s FOR UPDATE"""
        found = await conn.execute(self._sql(text), (last, STORED_MOMENT, STORED_MOMENT, limit))
        return [(row[0], row[1]) for row in await found.fetchall()]

    async def merge(self, conn: Connection, changes: Sequence[tuple[UUID, dict[str, Any]]]) -> None:
        """Set members of payloads."""
        text = "UPDATE {table} SET payload = payload || %s WHERE id = %s"
        async with conn.cursor() as cursor:
            await cursor.executemany(self._sql(text), [(Jsonb(members), key) for key, members in changes])

    async def delete(self, conn: Connection, ids: Sequence[UUID]) -> None:
        """Remove memories by id."""
        await conn.execute(self._sql("DELETE FROM {table} WHERE id = ANY(%s)"), (list(ids),))

    async def delete_where(
        self, conn: Connection, where: Condition, scope: str, graph: GraphChange | None, deleted_at: str, chunk: int
    ) -> int:
        """Remove all memories that pass the filter and leave their history as intents of `chunk` entries each.

        Each has `graph` as well, with the ids of its memories as those that are gone. One statement, so that the rows
        never travel and all go or none. Returns how many went.
        """
        text = """
            WITH gone AS (DELETE FROM {table} WHERE {where} RETURNING id, payload),
            entries AS (
                SELECT (row_number() OVER ()) / %s AS part, jsonb_build_object(
                    'id', gen_random_uuid(), 'memory_id', id, 'old_memory', payload->>'data', 'new_memory', NULL,
                    'event', 'DELETE', 'created_at', payload->>'created_at', 'updated_at', %s::text,
                    'is_deleted', 1, 'actor_id', payload->>'actor_id', 'role', payload->>'role') AS entry
                FROM gone),
            kept AS (
                INSERT INTO mem0_intents (scope, graph, history)
                SELECT %s, %s::jsonb || jsonb_build_object('gone', jsonb_agg(entry->'memory_id')), jsonb_agg(entry)
                FROM entries GROUP BY part)
            SELECT count(*) FROM gone"""
        values = (*where[1], chunk, deleted_at, scope, Jsonb(graph.to_json()) if graph else None)
        row = await (await conn.execute(self._sql(text, where=where[0]), values)).fetchone()
        return int(row[0]) if row else 0

    async def truncate(self, conn: Connection) -> None:
        """Remove every memory."""
        await conn.execute(self._sql("TRUNCATE {table}"))

    async def users(self, conn: Connection, reach: Reach, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        """User ids with their number of memories and latest write, largest first, and how many users there are."""
        # Every row is read for this: once, for the page and the total together.
        text = """
            WITH owners AS MATERIALIZED (
                SELECT payload->>'user_id' AS name, count(*) AS memories, max(payload->>'updated_at') AS updated_at
                FROM {table} WHERE {owned} GROUP BY 1)
            SELECT total.count, page.* FROM (SELECT count(*) FROM owners) AS total LEFT JOIN
                (SELECT * FROM owners ORDER BY memories DESC, name LIMIT %s OFFSET %s) AS page ON true
            ORDER BY page.memories DESC, page.name"""
        owned, values = "payload->>'user_id' IS NOT NULL", []
        if reach.users is not None:
            owned, values = "payload->>'user_id' = ANY(%s)", [sorted(reach.users)]
        query = self._sql(text, owned=sql.SQL(owned))
        rows = await (await conn.execute(query, (*values, limit, offset))).fetchall()
        users = [{"user_id": row[1], "memories": row[2], "updated_at": row[3]} for row in rows if row[1] is not None]
        return users, int(rows[0][0])


def _up_to_a_reply(query: sql.Composable) -> sql.Composed:
    """The rows of a query, in its order, up to the one with which their payloads go beyond a bound: the last value.

    Each has `size`, the bytes so far.
    """
    text = """
        SELECT * FROM (
            SELECT *, sum(octet_length(payload::text)) OVER (ROWS UNBOUNDED PRECEDING) AS size FROM ({}) AS found
        ) AS measured WHERE size - octet_length(payload::text) <= %s"""
    return sql.SQL(text).format(query)


def literal(vector: Vector) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(map(repr, vector)) + "]"
