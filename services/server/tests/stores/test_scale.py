"""Searching among many memories: the index finds what an exact search finds, also behind a filter."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import numpy as np
import psycopg
import pytest

from memory_server.collection import Collection, literal
from memory_server.domain import Scope
from memory_server.filters import condition
from memory_server.settings import Settings
from tests.stores.stack import DATABASE, PASSWORD, ROLE, Server, Stores

ROWS = int(os.environ.get("MEM0_SCALE_ROWS", "8000"))
QUERIES = 40
SEED = 7
EF_SEARCH = Settings.model_fields["hnsw_ef_search"].default


def vectors(rng: np.random.Generator, centres: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """Points around centres, as sentences lie around topics; evenly random ones are near to nothing."""
    found = centres[rng.integers(0, len(centres), count)] + 0.8 * rng.normal(size=(count, 384))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


async def fill(conn: psycopg.AsyncConnection[Any], points: np.ndarray[Any, Any]) -> None:
    """One user owns nine of ten memories; every tenth belongs to one of twenty others."""
    async with conn.cursor() as cursor, cursor.copy("COPY memories FROM STDIN") as copy:
        for n, point in enumerate(points):
            owner = f"small-{n // 10 % 20}" if n % 10 == 0 else "large"
            payload = {"data": f"note {n}", "user_id": owner, "created_at": f"{n:08d}", "even": n % 2 == 0}
            await copy.write_row((str(uuid.uuid4()), literal(point.tolist()), json.dumps(payload)))
    await conn.execute("ANALYZE memories")


@pytest.mark.parametrize(
    ("owner", "filters"),
    [("large", None), ("large", {"even": True}), ("small-3", None)],
    ids=["large", "half", "small"],
)
async def test_recall_behind_a_filter(
    server: Server, stores: Stores, owner: str, filters: dict[str, Any] | None
) -> None:
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(100, 384))
    collection, where = Collection("memories"), condition(Scope(owner), filters)
    conn = await psycopg.AsyncConnection.connect(
        host="127.0.0.1", port=stores.ports["postgres"], dbname=DATABASE, user=ROLE, password=PASSWORD, autocommit=True
    )
    async with conn:
        points = vectors(rng, centres, ROWS)
        if not stores.sql("SELECT 1 FROM memories WHERE payload->>'user_id' = 'large' LIMIT 1"):
            await fill(conn, points)
        queries = [query.tolist() for query in vectors(rng, centres, QUERIES)]

        async def search(**planner: str) -> list[set[uuid.UUID]]:
            for name, value in planner.items():
                await conn.execute("SELECT set_config(%s, %s, false)", (name, value))
            return [{m.id for m in await collection.nearest(conn, query, where, 10)} for query in queries]

        server_settings = {"hnsw.iterative_scan": "relaxed_order", "hnsw.ef_search": str(EF_SEARCH)}
        exact = await search(enable_indexscan="off", enable_bitmapscan="on", **server_settings)
        # Sorting made dear: the planner takes the vector index even where it would not for so few rows.
        indexed = await search(enable_indexscan="on", enable_bitmapscan="off", enable_sort="off")
    assert all(len(found) == 10 for found in exact)
    recall = sum(len(a & b) for a, b in zip(exact, indexed, strict=True)) / (10 * QUERIES)
    print(f"{owner} {filters}: recall@10 {recall:.3f}")
    assert recall >= 0.98
