"""What the settings change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stores.stack import Server, Stores, eventually, running

pytestmark = pytest.mark.long


@pytest.fixture
def fresh(stores: Stores) -> Stores:
    stores.heal()
    stores.wipe()
    return stores


def remember(client: httpx.Client, text: str, **more: Any) -> dict[str, Any]:
    reply = client.post("/memories", json={"messages": text, "user_id": "alice", **more})
    assert reply.is_success, reply.text
    found: dict[str, Any] = reply.json()
    return found


@pytest.mark.parametrize(("how", "found"), [("names", True), ("model", True), ("off", False)])
def test_the_graph_can_be_searched_by_names_by_the_model_or_not_at_all(
    fresh: Stores, data: Path, how: str, found: bool
) -> None:
    with running(Server(fresh, data, extra={"GRAPH_SEARCH": how})) as client:
        remember(client, "I play chess with Bob.")
        reply = client.post("/search", json={"query": "Does Bob play chess?", "user_id": "alice"}).json()
        assert len(reply["results"]) == 1
        assert bool(reply["relations"]) is found


def test_reset_forgets_everything_where_the_settings_allow_it(fresh: Stores, data: Path) -> None:
    with running(Server(fresh, data, extra={"ALLOW_RESET": "true"})) as client:
        key = remember(client, "I keep bees on the roof.")["results"][0]["id"]
        assert client.post("/reset").json() == {"message": "All memories reset"}
        assert client.get("/users").json() == {"results": [], "total": 0}
        assert client.get(f"/memories/{key}/history").status_code == 404
        assert fresh.cypher("MATCH (n:__Entity__) RETURN count(n)") == [[0]]
        assert remember(client, "I keep bees on the roof.")["results"]
        eventually("nothing is left to do", lambda: fresh.sql("SELECT count(*) FROM mem0_intents") == [(0,)])
    with running(Server(fresh, data)) as client:
        assert client.get("/memories", params={"user_id": "alice"}).json()["total"] == 1


def test_an_expired_idempotency_key_is_a_new_one(fresh: Stores, data: Path) -> None:
    with running(Server(fresh, data, extra={"IDEMPOTENCY_HOURS": "1"})) as client:
        body = {"messages": "a note", "user_id": "alice", "infer": False}
        first = client.post("/memories", json=body, headers={"Idempotency-Key": "k"})
        assert client.post("/memories", json=body, headers={"Idempotency-Key": "k"}).json() == first.json()
        fresh.sql("UPDATE mem0_idempotency SET created_at = now() - interval '61 minutes'")
        assert client.post("/memories", json=body, headers={"Idempotency-Key": "k"}).json() != first.json()
    with running(Server(fresh, data, extra={"IDEMPOTENCY_HOURS": "1"})):
        fresh.sql("UPDATE mem0_idempotency SET created_at = now() - interval '61 minutes'")
    with running(Server(fresh, data, extra={"IDEMPOTENCY_HOURS": "1"})):
        eventually("old keys are forgotten", lambda: fresh.sql("SELECT count(*) FROM mem0_idempotency") == [(0,)])


def test_a_change_the_graph_refuses_for_good_is_set_aside_and_reported(fresh: Stores, data: Path) -> None:
    server = Server(fresh, data, extra={"REPAIR_INTERVAL_S": "0.2"})
    with running(server) as client:
        remember(client, "I keep bees on the roof.")
        # A vector that is not one: Neo4j says no however often it is asked.
        change = (
            '{"scope": {"user_id": "alice"}, "add": [{"source": "a", "relationship": "r", "destination": "b"}], '
            '"invalidate": [], "types": {}, "vectors": {"a": [], "b": []}, '
            '"memory_ids": [], "forget": [], "wipe": null}'
        )
        fresh.sql("INSERT INTO mem0_intents (scope, graph) VALUES (%s, %s)", "alice", change)
        eventually("it is set aside", lambda: client.get("/ready").json()["parked_repairs"] == 1)
        assert "pending" not in remember(client, "I play chess with Bob.")
        [(parked, reason)] = fresh.sql("SELECT parked, error FROM mem0_intents WHERE parked")
        assert parked
        assert reason
