"""Upstream's own library at 1.0.11 on the same stores: what one writes, the other reads."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests

from tests.stores.stack import KEYS, Server, Stores
from tests.stores.upstream import upstream_config

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def upstream(stores: Stores, server: Server) -> Iterator[Any]:
    os.environ["MEM0_TELEMETRY"] = "False"
    os.environ["MEM0_DIR"] = str(server.data / "upstream")
    from mem0 import Memory  # noqa: PLC0415

    url = f"http://127.0.0.1:{stores.ports['model']}/v1"
    memory = Memory.from_config(upstream_config(stores, server.data, url))
    yield memory
    memory.close()
    memory.vector_store.connection_pool.close()
    memory.graph.graph._driver.close()


def names(relations: list[dict[str, str]]) -> set[tuple[str, str]]:
    return {(r["source"], r.get("target") or r["destination"]) for r in relations}


def test_upstream_reads_what_we_wrote(client: httpx.Client, upstream: Any, user: str) -> None:
    ours = client.post("/memories", json={"messages": "I keep bees on the roof.", "user_id": user}).json()
    theirs = upstream.get_all(user_id=user)
    listed = client.get("/memories", params={"user_id": user}).json()
    assert [item["id"] for item in theirs["results"]] == [item["id"] for item in ours["results"]]
    for field in ("memory", "hash", "created_at", "updated_at", "user_id", "metadata"):
        assert [i.get(field) for i in theirs["results"]] == [i.get(field) for i in listed["results"]], field
    assert names(theirs["relations"]) == names(listed["relations"])
    assert upstream.search("bees", user_id=user)["results"][0]["id"] == ours["results"][0]["id"]


def test_we_read_what_upstream_wrote(client: httpx.Client, upstream: Any, user: str) -> None:
    theirs = upstream.add("I play chess with Bob.", user_id=user, metadata={"source": "upstream"})
    listed = client.get("/memories", params={"user_id": user}).json()
    assert [item["id"] for item in listed["results"]] == [item["id"] for item in theirs["results"]]
    assert listed["results"][0]["metadata"] == {"source": "upstream"}
    assert names(listed["relations"]) == names(upstream.get_all(user_id=user)["relations"])
    found = client.post("/search", json={"query": "chess", "user_id": user, "filters": {"source": "upstream"}}).json()
    assert found["results"][0]["id"] == theirs["results"][0]["id"]


def test_scores_mean_the_same(client: httpx.Client, upstream: Any, user: str) -> None:
    for text in ("I keep bees on the roof.", "I play chess with Bob."):
        client.post("/memories", json={"messages": text, "user_id": user, "infer": False})
    ours = client.post("/search", json={"query": "insects", "user_id": user}).json()["results"]
    theirs = upstream.search("insects", user_id=user)["results"]
    assert [(i["id"], pytest.approx(i["score"])) for i in ours] == [(i["id"], i["score"]) for i in theirs]


def test_the_same_sentence_makes_the_same_memories_and_relations(
    client: httpx.Client, upstream: Any, stores: Stores, user: str
) -> None:
    both = (f"{user}-a", f"{user}-b")
    ours = client.post("/memories", json={"messages": "My sister Anna lives in Berlin.", "user_id": both[0]}).json()
    theirs = upstream.add("My sister Anna lives in Berlin.", user_id=both[1])
    assert [r["memory"] for r in ours["results"]] == [r["memory"] for r in theirs["results"]]

    def graph(name: str) -> list[list[Any]]:
        text = (
            "MATCH (n:__Entity__ {user_id: $u})-[r]->(m:__Entity__) RETURN replace(n.name, $u, 'me'), type(r), "
            "replace(m.name, $u, 'me'), r.valid, r.mentions, size(n.embedding)"
        )
        # Not by ORDER BY 1, 2, 3: to Cypher these are constants.
        return sorted(stores.cypher(text, u=name))

    assert graph(both[0]) == graph(both[1])


def test_upstreams_documented_requests_work(client: httpx.Client, user: str) -> None:
    """The bodies of upstream's REST documentation, word for word but for the user."""
    created = client.post(
        "/memories",
        json={
            "messages": [
                {"role": "user", "content": "I'm planning to watch a movie tonight. Any recommendations?"},
                {"role": "assistant", "content": "How about thriller movies? They can be quite engaging."},
                {"role": "user", "content": "I'm not a big fan of thriller movies but I love sci-fi movies."},
                {"role": "assistant", "content": "Got it! I'll avoid thrillers and suggest sci-fi movies instead."},
            ],
            "user_id": user,
            "metadata": {"category": "movie_recommendations"},
        },
    )
    assert set(created.json()) == {"results", "relations"}
    assert set(created.json()["relations"]) == {"added_entities", "deleted_entities"}
    key = created.json()["results"][0]["id"]
    assert {"id", "memory", "event"} <= set(created.json()["results"][0])
    everything = client.get("/memories", params={"user_id": user}).json()
    assert {"results", "relations"} <= set(everything)
    one = client.get(f"/memories/{key}").json()
    assert {"id", "memory", "hash", "metadata", "created_at", "updated_at", "user_id"} <= set(one)
    found = client.post("/search", json={"query": "What do you know about me?", "user_id": user}).json()
    assert {"id", "memory", "hash", "metadata", "score", "created_at", "updated_at", "user_id"} <= set(
        found["results"][0]
    )
    assert client.put(f"/memories/{key}", json={"text": "Likes to play tennis on weekends"}).json() == {
        "message": "Memory updated successfully!"
    }
    history = client.get(f"/memories/{key}/history").json()
    assert {"id", "memory_id", "old_memory", "new_memory", "event", "created_at", "updated_at"} <= set(history[0])
    assert client.delete(f"/memories/{key}").json() == {"message": "Memory deleted successfully"}
    assert client.delete("/memories", params={"user_id": user}).json()["message"] == "All relevant memories deleted"


def test_the_same_works_with_curl_as_a_person_types_it(server: Server, user: str) -> None:
    address = f"http://127.0.0.1:{server.port}"

    def curl(*arguments: str) -> Any:
        key = f"X-API-Key: {KEYS['admin']}"
        command = ["curl", "-sS", "--noproxy", "*", "--fail-with-body", "-H", key, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    json_body = ("-H", "Content-Type: application/json")
    told = {
        "messages": [
            {"role": "user", "content": "I like to drink coffee in the morning and go for a walk"},
            {"role": "assistant", "content": "Nice. I will remember that."},
        ],
        "user_id": user,
        "agent_id": "a-helper",
        "run_id": "run-1",
        "metadata": {"food": "vegan"},
    }
    added = curl("-X", "POST", f"{address}/memories", *json_body, "-d", json.dumps(told))
    key = added["results"][0]["id"]
    # Without a method and by curl's other spellings.
    question = json.dumps({"query": "What do I drink?", "user_id": user, "filters": {"food": "vegan"}})
    found = curl("--location", f"{address}/search", "--header", "Content-Type: application/json", "--data", question)
    assert key in [item["id"] for item in found["results"]]
    for query in (f"user_id={user}", "agent_id=a-helper", "run_id=run-1", f"user_id={user}&agent_id=a-helper"):
        assert key in [item["id"] for item in curl(f"{address}/memories?{query}")["results"]]
    changed = curl("-X", "PUT", f"{address}/memories/{key}", *json_body, "-d", '{"text": "I like tea"}')
    assert changed == {"message": "Memory updated successfully!"}
    assert curl(f"{address}/memories/{key}")["memory"] == "I like tea"
    assert [change["event"] for change in curl(f"{address}/memories/{key}/history")] == ["ADD", "UPDATE"]
    assert curl("-X", "DELETE", f"{address}/memories/{key}") == {"message": "Memory deleted successfully"}
    assert curl("-X", "DELETE", f"{address}/memories?user_id={user}")["message"] == "All relevant memories deleted"


def test_the_same_works_with_pythons_requests(server: Server, user: str) -> None:
    address = f"http://127.0.0.1:{server.port}"
    with requests.Session() as session:
        session.trust_env = False
        session.headers["X-API-Key"] = KEYS["admin"]
        body = {"messages": [{"role": "user", "content": "My name is Alex and I like hiking."}], "user_id": user}
        added = session.post(f"{address}/memories", json=body).json()
        assert {item["event"] for item in added["results"]} == {"ADD"}
        listed = session.get(f"{address}/memories", params={"user_id": user}).json()
        assert {item["id"] for item in listed["results"]} == {item["id"] for item in added["results"]}
        found = session.post(f"{address}/search", json={"query": "What does Alex like?", "user_id": user}).json()
        assert "hiking" in found["results"][0]["memory"].lower()


@pytest.mark.usefixtures("upstream")
def test_the_client_of_upstreams_hosted_platform_is_turned_away_at_once(server: Server) -> None:
    """It speaks another API (`/v1/...`), which upstream's own server does not have either."""
    from mem0 import MemoryClient  # noqa: PLC0415

    with httpx.Client(trust_env=False) as http, pytest.raises(ValueError, match="X-API-Key header is missing"):
        MemoryClient(api_key=KEYS["admin"], host=f"http://127.0.0.1:{server.port}", client=http)
