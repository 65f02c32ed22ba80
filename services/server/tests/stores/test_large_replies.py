"""Many large memories, and readers that stall: a reply is bounded in bytes, an export holds nothing of the stores."""

from __future__ import annotations

import contextlib
import json
import uuid

import httpx
import pytest

from tests.stores.stack import Server, Stores

LARGE = 40
"""Memories of 200,000 bytes: more than one reply may have, and less than an import takes."""


@pytest.fixture(scope="module")
def large(server: Server, stores: Stores) -> str:
    """A user with large memories, and with relations whose export is longer than any buffer on its way."""
    name = "large"
    payload = {"user_id": name, "data": "x" * 200_000, "hash": "h", "created_at": "2024-01-01T00:00:00.000000+00:00"}
    for _ in range(LARGE):
        stores.sql(
            "INSERT INTO memories SELECT %s, array_fill(1, ARRAY[vector_dims(v)])::vector, %s::jsonb FROM "
            "(SELECT ('[' || repeat('1,', atttypmod - 1) || '1]')::vector AS v FROM pg_attribute "
            "WHERE attrelid = 'memories'::regclass AND attname = 'vector') AS dims",
            uuid.uuid4(),
            json.dumps(payload),
        )
    stores.cypher(
        "UNWIND range(1, 1200) AS i CREATE (n:__Entity__:Place {name: 'from' + (i % 7), user_id: $user}) "
        "CREATE (n)-[:KNOWS {memory_ids: []}]->(:__Entity__:Place {name: 'to' + i, user_id: $user})",
        user=name,
    )
    return name


def test_a_list_or_search_of_more_than_a_reply_may_have_is_refused_by_its_limit(
    client: httpx.Client, large: str
) -> None:
    for reply in (
        client.get("/memories", params={"user_id": large, "limit": 1000}),
        client.post("/search", json={"query": "x", "user_id": large, "limit": 1000}),
    ):
        assert (reply.status_code, reply.json()["type"]) == (413, "urn:mem0:problem:reply-too-large")
        assert "4194304 bytes" in reply.json()["detail"]
    page = client.get("/memories", params={"user_id": large, "limit": 10}).json()
    assert (len(page["results"]), page["total"]) == (10, LARGE)
    assert len(client.post("/search", json={"query": "x", "user_id": large, "limit": 10}).json()["results"]) == 10


def test_an_export_has_all_of_them_and_every_relation_once(client: httpx.Client, large: str) -> None:
    lines = [json.loads(line) for line in client.get("/export", params={"user_id": large}).text.splitlines()]
    assert lines[-1] == {"type": "end", "memories": LARGE, "relations": 1200}
    assert len({line["id"] for line in lines if line["type"] == "memory"}) == LARGE
    assert len({line["destination"] for line in lines if line["type"] == "relation"}) == 1200


def test_stalled_exports_stop_nobody(server: Server, client: httpx.Client, large: str) -> None:
    with contextlib.ExitStack() as stalled:
        for role in ("write", "read"):
            reader = stalled.enter_context(server.client(role))
            for _ in range(16):
                reply = stalled.enter_context(reader.stream("GET", "/export", params={"user_id": large}))
                assert reply.status_code == 200
        said = {"messages": "Ann works at Acme.", "user_id": "other"}
        added = client.post("/memories", json=said).raise_for_status().json()
        assert "pending" not in added
        assert client.get("/memories", params={"user_id": "other"}).json()["total"] >= 1
