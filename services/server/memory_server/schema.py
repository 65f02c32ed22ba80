"""Tables in Postgres: upstream's collection as upstream makes it, and our own beside it (`mem0_...`)."""

from __future__ import annotations

import re
from importlib import resources

from psycopg import sql

from memory_server.postgres import Connection

LOCK = 0x6D656D30
"""Advisory lock under which tables are made: "mem0" in hexadecimal."""

TABLES = (resources.files("memory_server") / "schema.sql").read_text()
"""Tables and indexes; a restore makes the same ones from it."""

INDEXES = frozenset(re.findall(r"\{collection_(\w+)\}", TABLES))
"""Ends of the names of the collection's indexes."""


async def create_tables(conn: Connection, collection: str, dimensions: int) -> None:
    """Make all that is missing; run in the caller's transaction, harmless when repeated."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    found = await (await conn.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'")).fetchone()
    if not found:
        await conn.execute("CREATE EXTENSION vector")
    names = {f"collection_{end}": sql.Identifier(f"{collection}_{end}") for end in INDEXES}
    await conn.execute(
        sql.SQL(TABLES).format(collection=sql.Identifier(collection), dimensions=sql.Literal(dimensions), **names)
    )


async def table_dimensions(conn: Connection, collection: str) -> int | None:
    """Dimensions of the collection's vector column; None when there is no such table."""
    row = await (
        await conn.execute(
            "SELECT a.atttypmod FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "WHERE c.oid = to_regclass(%s) AND a.attname = 'vector'",
            (f'"{collection}"',),
        )
    ).fetchone()
    return int(row[0]) if row else None
