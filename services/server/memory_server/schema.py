"""Tables in Postgres: upstream's collection as upstream makes it, and our own beside it (`mem0_...`)."""

from __future__ import annotations

from psycopg import sql

from memory_server.postgres import Connection

LOCK = 0x6D656D30
"""Advisory lock under which tables are made: "mem0" in hexadecimal."""

OWN_TABLES = """
CREATE TABLE IF NOT EXISTS mem0_identity (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    instance_id text NOT NULL,
    embedder text NOT NULL,
    dimensions integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    graph_bound_at timestamptz,
    history_bound_at timestamptz
);
CREATE TABLE IF NOT EXISTS mem0_intents (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    scope text NOT NULL,
    graph jsonb,
    history jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    error text,
    parked boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS mem0_idempotency (
    owner text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    reply json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);
CREATE INDEX IF NOT EXISTS mem0_idempotency_created_at ON mem0_idempotency (created_at);
"""


async def create_tables(conn: Connection, collection: str, dimensions: int) -> None:
    """Make all that is missing; run in the caller's transaction, harmless when repeated."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    found = await (await conn.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'")).fetchone()
    if not found:
        await conn.execute("CREATE EXTENSION vector")
    table = sql.Identifier(collection)
    await conn.execute(
        sql.SQL("CREATE TABLE IF NOT EXISTS {} (id uuid PRIMARY KEY, vector vector({}), payload jsonb)").format(
            table, sql.Literal(dimensions)
        )
    )
    await conn.execute(
        sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} USING hnsw (vector vector_cosine_ops)").format(
            sql.Identifier(f"{collection}_hnsw_idx"), table
        )
    )
    # Upstream filters by these in every query and has no index on them. The date comes second, so that a page of
    # one user's newest memories is read from the index instead of sorting all of them.
    for name in ("user_id", "agent_id", "run_id"):
        await conn.execute(
            sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ((payload->>{}), (payload->>'created_at'))").format(
                sql.Identifier(f"{collection}_{name}_idx"), table, sql.Literal(name)
            )
        )
    await conn.execute(OWN_TABLES)


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
