"""What a client sees of its memories: upstream's routes, bodies and replies, without upstream's defects."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from tests.stores.stack import Server, Stores


def add(client: httpx.Client, text: str, **body: Any) -> dict[str, Any]:
    reply = client.post("/memories", json={"messages": [{"role": "user", "content": text}], **body})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    assert "pending" not in found
    return found


def plain(client: httpx.Client, text: str, **body: Any) -> str:
    """The id of a memory kept word for word."""
    return str(add(client, text, infer=False, **body)["results"][0]["id"])


def texts(reply: httpx.Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [item["memory"] for item in reply.json()["results"]]


def test_a_fact_is_in_all_three_stores(client: httpx.Client, stores: Stores, server: Server, user: str) -> None:
    reply = add(client, "I keep bees on the roof.", user_id=user)
    [memory] = reply["results"]
    assert memory["event"] == "ADD"
    assert "bees" in memory["memory"].lower()
    [[payload, dimensions]] = stores.sql(
        "SELECT payload, vector_dims(vector) FROM memories WHERE id = %s", memory["id"]
    )
    assert (payload["data"], payload["user_id"], dimensions) == (memory["memory"], user, 384)
    [history] = client.get(f"/memories/{memory['id']}/history").json()
    assert (history["event"], history["old_memory"], history["new_memory"]) == ("ADD", None, memory["memory"])
    rows = stores.cypher(
        "MATCH (n:__Entity__ {user_id: $user})-[r]->(m:__Entity__) "
        "RETURN n.name, type(r), m.name, r.valid, r.memory_ids",
        user=user,
    )
    assert rows
    assert all(row[3] is True and row[4] == [memory["id"]] for row in rows)
    added = [item for [item] in reply["relations"]["added_entities"]]
    assert {(i["source"], i["relationship"], i["target"]) for i in added} == {tuple(row[:3]) for row in rows}


def test_a_question_finds_the_memory_by_meaning(client: httpx.Client, user: str) -> None:
    add(client, "I keep bees on the roof.", user_id=user)
    plain(client, "The tax return is due in May.", user_id=user)
    reply = client.post("/search", json={"query": "Which animals do I have?", "user_id": user})
    found = reply.json()["results"]
    assert "bees" in found[0]["memory"].lower()
    assert found[0]["score"] == pytest.approx(1 - found[0]["similarity"])
    assert found[0]["score"] <= found[1]["score"]
    assert any("bee" in relation["destination"] for relation in reply.json()["relations"])


def test_a_threshold_keeps_the_best_hits_and_drops_the_worst(client: httpx.Client, user: str) -> None:
    plain(client, "I keep bees on the roof.", user_id=user)
    plain(client, "Der Zug nach Köln fährt um neun.", user_id=user)
    ranked = client.post("/search", json={"query": "I keep bees on the roof.", "user_id": user}).json()["results"]
    border = (ranked[0]["similarity"] + ranked[1]["similarity"]) / 2
    kept = client.post(
        "/search", json={"query": "I keep bees on the roof.", "user_id": user, "threshold": border}
    ).json()["results"]
    assert [item["id"] for item in kept] == [ranked[0]["id"]]


@pytest.mark.parametrize("owner", ["user_id", "agent_id", "run_id"])
def test_each_kind_of_owner_works_alone(client: httpx.Client, user: str, owner: str) -> None:
    add(client, "I play chess with Bob.", **{owner: user})
    assert len(texts(client.get("/memories", params={owner: user}))) == 1
    assert len(texts(client.post("/search", json={"query": "chess", owner: user}))) == 1
    assert client.delete("/memories", params={owner: user}).json()["deleted"] == 1
    assert texts(client.get("/memories", params={owner: user})) == []
    assert client.get("/memories", params={owner: user}).json()["relations"] == []


def test_one_users_memories_are_not_anothers(client: httpx.Client, user: str) -> None:
    add(client, "I keep bees on the roof.", user_id=user)
    assert texts(client.get("/memories", params={"user_id": f"{user}x"})) == []
    reply = client.post("/search", json={"query": "bees", "user_id": f"{user}x"}).json()
    assert (reply["results"], reply["relations"]) == ([], [])


def test_a_new_fact_updates_an_old_one_and_history_tells(client: httpx.Client, user: str) -> None:
    old = add(client, "My sister lives in Berlin.", user_id=user)["results"][0]
    reply = add(client, "My sister lives in Hamburg now.", user_id=user)
    events = [item["event"] for item in reply["results"]]
    assert events in (["UPDATE"], ["ADD"], ["DELETE", "ADD"], ["ADD", "DELETE"])
    for item in reply["results"]:
        assert client.get(f"/memories/{item['id']}/history").json()[-1]["event"] == item["event"]
    if events == ["UPDATE"]:
        assert reply["results"][0]["id"] == old["id"]
        assert reply["results"][0]["previous_memory"] == old["memory"]


def test_word_for_word_asks_no_model_and_touches_no_graph(
    client: httpx.Client, stores: Stores, user: str, server: Server
) -> None:
    before = chat_calls(server)
    reply = client.post(
        "/memories",
        json={
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "I keep bees.", "name": "Ann"},
                {"role": "assistant", "content": "Lovely."},
            ],
            "user_id": user,
            "infer": False,
            "metadata": {"source": "chat"},
        },
    ).json()
    assert [(r["memory"], r["role"], r["actor_id"]) for r in reply["results"]] == [
        ("I keep bees.", "user", "Ann"),
        ("Lovely.", "assistant", None),
    ]
    assert chat_calls(server) == before
    assert stores.cypher("MATCH (n:__Entity__ {user_id: $user}) RETURN count(n)", user=user) == [[0]]
    one = client.get(f"/memories/{reply['results'][0]['id']}").json()
    assert (one["metadata"], one["actor_id"], one["role"]) == ({"source": "chat"}, "Ann", "user")


def chat_calls(server: Server) -> float:
    text = httpx.get(f"http://127.0.0.1:{server.metrics_port}/metrics", trust_env=False).text
    line = 'mem0_server_call_duration_seconds_count{operation="chat",target="model"} '
    return sum(float(row.removeprefix(line)) for row in text.splitlines() if row.startswith(line))


def test_update_keeps_metadata_and_tells_history(client: httpx.Client, user: str) -> None:
    key = plain(client, "I keep bees.", user_id=user, metadata={"colour": "red", "size": 1})
    reply = client.put(f"/memories/{key}", json={"text": "I keep wasps.", "metadata": {"size": 2}})
    assert reply.json() == {"message": "Memory updated successfully!"}
    now = client.get(f"/memories/{key}").json()
    assert (now["memory"], now["metadata"]) == ("I keep wasps.", {"colour": "red", "size": 2})
    assert now["updated_at"] > now["created_at"]
    events = [(h["event"], h["old_memory"], h["new_memory"]) for h in client.get(f"/memories/{key}/history").json()]
    assert events == [("ADD", None, "I keep bees."), ("UPDATE", "I keep bees.", "I keep wasps.")]
    found = client.post("/search", json={"query": "wasps", "user_id": user}).json()["results"]
    assert found[0]["memory"] == "I keep wasps."


def test_delete_takes_the_relations_that_came_with_the_memory_alone(
    client: httpx.Client, stores: Stores, user: str
) -> None:
    [memory] = add(client, "I keep bees on the roof.", user_id=user)["results"]
    assert client.delete(f"/memories/{memory['id']}").json() == {"message": "Memory deleted successfully"}
    assert client.get(f"/memories/{memory['id']}").status_code == 404
    assert client.delete(f"/memories/{memory['id']}").status_code == 404
    valid = "MATCH (:__Entity__ {user_id: $user})-[r]->() WHERE r.valid IS NULL OR r.valid RETURN count(r)"
    assert stores.cypher(valid, user=user) == [[0]]
    assert client.get("/memories", params={"user_id": user}).json()["relations"] == []
    assert [h["event"] for h in client.get(f"/memories/{memory['id']}/history").json()] == ["ADD", "DELETE"]


def test_delete_all_deletes_all(client: httpx.Client, stores: Stores, user: str) -> None:
    messages = [{"role": "user", "content": f"Note number {n}."} for n in range(250)]
    for _ in range(2):
        client.post("/memories", json={"messages": messages, "user_id": user, "infer": False}).raise_for_status()
    ids = [str(row[0]) for row in stores.sql("SELECT id FROM memories WHERE payload->>'user_id' = %s", user)]
    assert len(ids) == 500
    assert client.delete("/memories", params={"user_id": user}).json()["deleted"] == 500
    assert stores.sql("SELECT count(*) FROM memories WHERE payload->>'user_id' = %s", user) == [(0,)]
    assert [h["event"] for h in client.get(f"/memories/{ids[0]}/history").json()] == ["ADD", "DELETE"]
    assert [h["event"] for h in client.get(f"/memories/{ids[-1]}/history").json()] == ["ADD", "DELETE"]


def test_lists_have_pages_an_order_and_a_total(client: httpx.Client, user: str) -> None:
    for n in range(7):
        plain(client, f"Note {n}.", user_id=user)
    page = client.get("/memories", params={"user_id": user, "limit": 3, "offset": 2, "order": "oldest"})
    assert texts(page) == ["Note 2.", "Note 3.", "Note 4."]
    assert page.json()["total"] == 7
    assert texts(client.get("/memories", params={"user_id": user, "limit": 2})) == ["Note 6.", "Note 5."]


def test_users_are_listed_with_their_number_of_memories(client: httpx.Client, user: str) -> None:
    for n in range(3):
        plain(client, f"Note {n}.", user_id=user)
    reply = client.get("/users", params={"limit": 1000}).json()
    [mine] = [item for item in reply["results"] if item["user_id"] == user]
    assert mine["memories"] == 3
    assert reply["total"] >= 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"n": 3}, ["three"]),
        ({"n": "3"}, ["three"]),
        ({"ok": True}, ["three"]),
        ({"n": {"gte": 3}}, ["seven", "three"]),
        ({"n": {"gt": 3, "lt": 10}}, ["seven"]),
        ({"n": {"in": [1, 7]}}, ["seven"]),
        ({"n": {"nin": [3]}}, ["none", "seven"]),
        ({"n": {"ne": 3}}, ["none", "seven"]),
        ({"word": {"contains": "hre"}}, ["three"]),
        ({"word": {"icontains": "THRE"}}, ["three"]),
        ({"tags": {"contains": "b"}}, ["seven", "three"]),
        ({"n": "*"}, ["seven", "three"]),
        ({"OR": [{"n": 3}, {"word": "seven"}]}, ["seven", "three"]),
        ({"AND": [{"n": {"gte": 1}}, {"ok": True}]}, ["three"]),
        ({"NOT": [{"n": 3}]}, ["none", "seven"]),
        ({"day": {"gte": "2024-02-01"}}, ["seven"]),
        ({"nested": {"eq": {"a": 1}}}, ["seven"]),
        ({"missing": None}, []),
    ],
)
def test_filters_on_metadata_work(client: httpx.Client, user: str, filters: dict[str, Any], found: list[str]) -> None:
    three = {"n": 3, "ok": True, "word": "three", "tags": ["a", "b"], "day": "2024-01-31"}
    seven = {"n": 7, "ok": False, "word": "seven", "tags": ["b"], "day": "2024-02-01", "nested": {"a": 1}}
    plain(client, "three", user_id=user, metadata=three)
    plain(client, "seven", user_id=user, metadata=seven)
    plain(client, "none", user_id=user)
    reply = client.post("/search", json={"query": "x", "user_id": user, "filters": filters})
    assert sorted(texts(reply)) == found


def test_a_repeat_with_the_same_key_gives_the_first_reply_and_stores_once(client: httpx.Client, user: str) -> None:
    body = {"messages": [{"role": "user", "content": "I keep bees."}], "user_id": user, "infer": False}
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = client.post("/memories", json=body, headers=headers)
    second = client.post("/memories", json=body, headers=headers)
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(texts(client.get("/memories", params={"user_id": user}))) == 1
    other = client.post("/memories", json=body | {"infer": True}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "urn:mem0:problem:idempotency-key-reused")


def test_the_same_fact_told_twice_at_once_is_stored_once(server: Server, user: str) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    def tell(_: int) -> int:
        with server.client() as client:
            return len(add(client, "I keep bees on the roof.", user_id=user)["results"])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, range(4)))
    with server.client() as client:
        assert len(texts(client.get("/memories", params={"user_id": user}))) == 1


def test_a_greeting_is_nothing_to_remember(client: httpx.Client, user: str) -> None:
    assert add(client, "Hi.", user_id=user)["results"] == []


def test_metadata_may_carry_the_date_of_an_older_memory(client: httpx.Client, user: str) -> None:
    key = plain(client, "An old note.", user_id=user, metadata={"created_at": "2020-01-02T03:04:05+01:00"})
    assert client.get(f"/memories/{key}").json()["created_at"] == "2020-01-02T02:04:05+00:00"


def test_names_with_strange_characters_do_no_harm(client: httpx.Client, stores: Stores) -> None:
    for name in ("O'Brien; DROP TABLE memories", "x`}) DETACH DELETE n //", "用户", "a b\tc", "%s {0}"):
        add(client, "I keep bees on the roof.", user_id=name)
        assert len(texts(client.get("/memories", params={"user_id": name}))) == 1
        assert client.delete("/memories", params={"user_id": name}).json()["deleted"] == 1
    assert stores.sql("SELECT to_regclass('memories') IS NOT NULL") == [(True,)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/memories", {"messages": "word " * 19_000, "infer": False}),
        ("POST", "/search", {"query": "word " * 19_000}),
    ],
)
def test_a_text_longer_than_the_embedder_takes_is_the_mistake_of_who_sent_it(
    client: httpx.Client, user: str, method: str, path: str, body: dict[str, Any]
) -> None:
    reply = client.request(method, path, json={**body, "user_id": user})
    assert (reply.status_code, reply.json()["type"]) == (413, "urn:mem0:problem:text-too-long")
    assert client.get("/memories", params={"user_id": user}).json()["total"] == 0


def test_users_are_counted_whole_on_every_page(client: httpx.Client, user: str) -> None:
    for n in range(3):
        for _ in range(n + 1):
            body = {"messages": "a note", "user_id": f"{user}-{n}", "infer": False}
            client.post("/memories", json=body).raise_for_status()
    whole = client.get("/users", params={"limit": 1000}).json()
    assert [row["memories"] for row in whole["results"]] == sorted(
        (r["memories"] for r in whole["results"]), reverse=True
    )
    assert {row["user_id"]: row["memories"] for row in whole["results"]}[f"{user}-2"] == 3
    assert whole["total"] == len(whole["results"]) >= 3
    page = client.get("/users", params={"limit": 1, "offset": 1}).json()
    assert page == {"results": whole["results"][1:2], "total": whole["total"]}
    assert client.get("/users", params={"offset": 100_000}).json() == {"results": [], "total": whole["total"]}
