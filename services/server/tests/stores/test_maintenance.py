"""Maintenance: writes drain, reading goes on, it ends by itself."""

from __future__ import annotations

import threading
import uuid

import httpx

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
