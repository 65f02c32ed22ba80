"""The health check's memory: it is written, found by its meaning and removed, and nobody else ever sees it."""

from __future__ import annotations

import json
import uuid

import httpx

from memory_server.domain import CANARY
from tests.stores.stack import Stores


def test_it_is_found_by_its_meaning_and_leaves_nothing(client: httpx.Client, stores: Stores) -> None:
    def whole() -> list[object]:
        tables = ("memories", "mem0_intents", "mem0_idempotency")
        return [stores.sql(f"SELECT count(*) FROM {table}") for table in tables] + [client.get("/users").json()]

    before = whole()
    reply = client.post("/admin/canary")
    assert reply.status_code == 200, reply.text
    assert reply.json()["similarity"] > 0.2
    assert whole() == before
    assert CANARY not in client.get("/export").text


def test_it_waits_for_the_end_of_maintenance_as_every_write_does(client: httpx.Client) -> None:
    client.post("/admin/maintenance", json={"seconds": 60})
    try:
        reply = client.post("/admin/canary")
        assert (reply.status_code, reply.json()["type"]) == (503, "urn:mem0:problem:maintenance")
    finally:
        client.delete("/admin/maintenance")


def test_its_user_is_nobody_elses_name(client: httpx.Client) -> None:
    replies = [
        client.post("/memories", json={"messages": "x", "user_id": CANARY, "infer": False}),
        client.post("/search", json={"query": "x", "user_id": CANARY}),
        client.get("/memories", params={"user_id": CANARY}),
    ]
    assert {reply.json()["type"] for reply in replies} == {"urn:mem0:problem:reserved-user"}
    line = {"type": "memory", "id": str(uuid.uuid4()), "memory": "x", "user_id": CANARY}
    report = client.post("/import", content=json.dumps(line)).json()
    assert (report["added"], report["failed"]) == (0, 1)
