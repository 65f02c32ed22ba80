"""Maintenance: writes drain, reading goes on, it ends by itself. The hold: graph and history stay, writes go on."""

from __future__ import annotations

import threading
import uuid

import httpx
import pytest

from tests.stores.stack import Server, Stores, eventually


def test_under_load_it_drains_and_then_nothing_changes(server: Server, stores: Stores) -> None:
    stop = threading.Event()
    refused: list[httpx.Response] = []
    acknowledged: list[str] = []

    def write() -> None:
        with server.client("write") as client:
            while not stop.is_set():
                text = f"note {uuid.uuid4()}"
                reply = client.post("/memories", json={"messages": text, "user_id": "load", "infer": False})
                if reply.is_success:
                    acknowledged.append(text)
                else:
                    refused.append(reply)
                    stop.wait(0.01)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        eventually("writes are under way", lambda: len(acknowledged) > 20)
        with server.client() as client:
            began = client.post("/admin/maintenance", json={"seconds": 60}).json()
            assert (began["drained"], began["writes_in_flight"]) == (True, 0)
            count = stores.sql("SELECT count(*), max(payload->>'created_at') FROM memories")
            eventually("writers are refused", lambda: len(refused) > 20)
            assert stores.sql("SELECT count(*), max(payload->>'created_at') FROM memories") == count
            assert stores.sql("SELECT count(*) FROM mem0_intents") == [(0,)]
            assert client.post("/search", json={"query": "note", "user_id": "load"}).is_success
            before = len(acknowledged)
            assert client.delete("/admin/maintenance").json()["maintenance"] is False
            eventually("writes begin again", lambda: len(acknowledged) > before + 5)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {reply.status_code for reply in refused} == {503}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)
    stored = {row[0] for row in stores.sql("SELECT payload->>'data' FROM memories WHERE payload->>'user_id' = 'load'")}
    assert stored == set(acknowledged)


def test_it_ends_by_itself(server: Server) -> None:
    with server.client() as client:
        assert client.post("/admin/maintenance", json={"seconds": 0.5}).json()["maintenance"]
        body = {"messages": "x", "user_id": "load", "infer": False}
        assert client.post("/memories", json=body).status_code == 503
        eventually("writing works again", lambda: client.post("/memories", json=body).is_success, 10)


@pytest.mark.long
def test_it_says_when_it_could_not_drain(server: Server, stores: Stores) -> None:
    with server.client() as client:
        body = {"messages": [{"role": "user", "content": "I keep bees on the roof."}], "user_id": "stuck"}
        key = client.post("/memories", json=body).json()["results"][0]["id"]
        stores.neo4j.pause()
        try:
            assert client.delete(f"/memories/{key}").is_success
            began = client.post("/admin/maintenance", json={"seconds": 60, "drain_seconds": 1}).json()
            assert (began["maintenance"], began["drained"]) == (True, False)
            assert began["repairs_pending"] >= 1
        finally:
            stores.neo4j.unpause()
        eventually("the repair drains it", lambda: client.get("/admin/maintenance").json()["drained"])
        client.delete("/admin/maintenance")


BEES = {"messages": [{"role": "user", "content": "I keep bees on the roof."}], "user_id": "held"}


def graph_of(stores: Stores) -> list[object]:
    """All nodes and relations, with their properties."""
    nodes = stores.cypher("MATCH (n) RETURN labels(n), properties(n) ORDER BY elementId(n)")
    relations = stores.cypher("MATCH ()-[r]->() RETURN type(r), properties(r) ORDER BY elementId(r)")
    return [*nodes, *relations]


def test_while_held_writes_go_on_and_graph_and_history_stay_as_they_are(server: Server, stores: Stores) -> None:
    with server.client() as client:
        key = client.post("/memories", json=BEES).json()["results"][0]["id"]
        past = client.get(f"/memories/{key}/history").json()
        eventually("all is done", lambda: client.get("/ready").json()["pending_repairs"] == 0)
        begun = client.post("/admin/hold", json={"seconds": 60}).json()
        assert (begun["quiet"], begun["held"]) == (True, True)
        graph = graph_of(stores)

        added = client.post("/memories", json=BEES | {"messages": "Anna plays the cello in Vienna."}).json()
        assert added["pending"] == ["graph"]
        assert client.put(f"/memories/{key}", json={"text": "I keep bees in the garden."}).is_success
        other = {"messages": "x", "user_id": "other", "infer": False}
        verbatim = client.post("/memories", json=other).json()["results"][0]["id"]
        assert client.delete(f"/memories/{verbatim}").is_success
        assert client.delete("/memories", params={"user_id": "other"}).is_success

        assert client.get(f"/memories/{key}").json()["memory"] == "I keep bees in the garden."
        found = client.post("/search", json={"query": "who plays the cello?", "user_id": "held"}).json()
        assert "cello" in found["results"][0]["memory"]
        assert client.get(f"/memories/{key}/history").json() == past
        assert graph_of(stores) == graph

        ended = client.delete("/admin/hold", params={"key": begun["key"]}).json()
        assert (ended["lasted"], ended["held"]) == (True, False)
        eventually("all is done", lambda: client.get("/ready").json()["pending_repairs"] == 0)
        eventually("the graph has what came", lambda: len(graph_of(stores)) > len(graph))
        assert len(client.get(f"/memories/{key}/history").json()) == len(past) + 1
        assert [row["event"] for row in client.get(f"/memories/{verbatim}/history").json()] == ["ADD", "DELETE"]


def test_a_hold_ends_by_itself_and_says_so(server: Server, stores: Stores) -> None:
    with server.client() as client:
        begun = client.post("/admin/hold", json={"seconds": 0.5}).json()
        body = BEES | {"messages": "Berta repairs clocks in Graz.", "user_id": "lapse"}
        client.post("/memories", json=body)
        eventually("it has ended", lambda: not client.get("/admin/hold").json()["held"])
        eventually(
            "the graph has it",
            lambda: stores.cypher("MATCH (n:__Entity__ {user_id: 'lapse'}) RETURN count(n) > 1") == [[True]],
        )
        assert client.post("/admin/hold", json={"seconds": 60, "key": begun["key"]}).status_code == 409
        assert client.delete("/admin/hold", params={"key": begun["key"]}).json()["lasted"] is False


def test_writes_of_one_user_reach_the_graph_in_their_order_after_a_hold(server: Server, stores: Stores) -> None:
    with server.client() as client:
        begun = client.post("/admin/hold", json={"seconds": 60}).json()
        for text in ("Dora lives in Prague.", "Dora works at the theatre."):
            client.post("/memories", json={"messages": [{"role": "user", "content": text}], "user_id": "order"})
        client.delete("/memories", params={"user_id": "order"})
        client.delete("/admin/hold", params={"key": begun["key"]})
        eventually("all is done", lambda: client.get("/ready").json()["pending_repairs"] == 0)
        eventually("no intent is left", lambda: stores.sql("SELECT count(*) FROM mem0_intents") == [(0,)])
        assert stores.cypher("MATCH (n:__Entity__ {user_id: 'order'}) RETURN count(n)") == [[0]]
