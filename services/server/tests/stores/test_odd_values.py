"""What the database can hold goes through or is refused before anything is stored; nothing is lost without a word."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.stores.stack import Server, Stores, eventually


def keep(client: httpx.Client, text: str, **body: Any) -> httpx.Response:
    return client.post("/memories", json={"messages": text, "infer": False, **body})


def key_of(reply: httpx.Response) -> str:
    assert reply.is_success, reply.text
    return str(reply.json()["results"][0]["id"])


def line(user: str, **members: Any) -> dict[str, Any]:
    return {"type": "memory", "id": str(uuid.uuid4()), "memory": "a note", "user_id": user, **members}


def load(client: httpx.Client, rows: list[Any], before: bytes = b"") -> dict[str, Any]:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    reply = client.post("/import", content=before + text.encode())
    assert reply.is_success, reply.text
    found: dict[str, Any] = reply.json()
    return found


@pytest.mark.parametrize("metadata", [{"actor_id": ["a"]}, {"role": {"x": 1}}, {"user_id": "other"}, {"hash": "h"}])
def test_metadata_that_cannot_be_kept_is_refused_and_nothing_is_stored(
    client: httpx.Client, user: str, metadata: dict[str, Any]
) -> None:
    assert keep(client, "a note", user_id=user, metadata=metadata).status_code == 422
    assert client.get("/memories", params={"user_id": user}).json()["total"] == 0


def test_an_update_moves_no_memory_to_another_user(client: httpx.Client, user: str) -> None:
    key = key_of(keep(client, "a note", user_id=user))
    for owner in ("other", None, 7):
        reply = client.put(f"/memories/{key}", json={"text": "t", "metadata": {"user_id": owner}})
        assert reply.status_code == 422
    assert client.get(f"/memories/{key}").json()["user_id"] == user


def test_metadata_does_not_grow_without_end_by_updates(client: httpx.Client, stores: Stores, user: str) -> None:
    key = key_of(keep(client, "a note", user_id=user, metadata={"a": "x" * 60_000}))
    more = client.put(f"/memories/{key}", json={"text": "changed", "metadata": {"b": "x" * 60_000}})
    assert (more.status_code, "65536 bytes" in more.json()["detail"]) == (422, True)
    assert client.get(f"/memories/{key}").json()["memory"] == "a note"
    client.put(f"/memories/{key}", json={"text": "t", "metadata": {"a": "", "b": "x" * 60_000}}).raise_for_status()
    # What an older version let grow can still be changed, and made smaller.
    large = json.dumps({"old": "x" * 90_000})
    stores.sql("UPDATE memories SET payload = payload || %s::jsonb WHERE id = %s", large, key)
    client.put(f"/memories/{key}", json={"text": "changed", "metadata": {"b": ""}}).raise_for_status()
    client.put(f"/memories/{key}", json={"text": "changed", "metadata": {"old": ""}}).raise_for_status()


def test_memories_whose_owner_and_speaker_are_no_texts_can_be_changed_and_deleted(
    client: httpx.Client, stores: Stores, user: str
) -> None:
    key = key_of(keep(client, "a note", user_id=user))
    odd = {"data": "a note", "user_id": 7, "actor_id": ["a"], "role": {"x": 1}, "created_at": "2024-01-01"}
    stores.sql("UPDATE memories SET payload = %s::jsonb WHERE id = %s", json.dumps(odd), key)
    client.put(f"/memories/{key}", json={"text": "changed"}).raise_for_status()
    client.delete(f"/memories/{key}").raise_for_status()
    history = client.get(f"/memories/{key}/history").json()
    assert [(row["event"], row["actor_id"]) for row in history[1:]] == [("UPDATE", '["a"]'), ("DELETE", '["a"]')]
    assert client.get("/ready").json()["parked_repairs"] == 0


@pytest.mark.parametrize("value", ["\\u0000", "\\ud800"])
def test_filters_and_texts_that_no_store_takes_are_422(client: httpx.Client, user: str, value: str) -> None:
    kind = {"Content-Type": "application/json"}
    for path, body in (
        ("/search", f'{{"query": "x", "user_id": "{user}", "filters": {{"k": "{value}"}}}}'),
        ("/search", f'{{"query": "{value}", "user_id": "{user}"}}'),
        ("/memories", f'{{"messages": "{value}", "user_id": "{user}"}}'),
        ("/search", f'{{"query": "x", "user_id": "{user}", "filters": {{"k": NaN}}}}'),
    ):
        assert client.post(path, content=body, headers=kind).status_code == 422, body


def test_times_are_compared_as_moments_in_lists_and_filters(client: httpx.Client, user: str) -> None:
    for text, at in (("later", "2025-07-24T20:00:00-07:00"), ("earlier", "2025-07-25T01:00:00Z")):
        key_of(keep(client, text, user_id=user, metadata={"created_at": at, "due": at}))
    listed = client.get("/memories", params={"user_id": user, "order": "newest"}).json()["results"]
    assert [item["memory"] for item in listed] == ["later", "earlier"]
    for key in ("created_at", "due"):
        filters = {key: {"gt": "2025-07-25T04:00:00+02:00"}}
        found = client.post("/search", json={"query": "x", "user_id": user, "filters": filters}).json()["results"]
        assert [item["memory"] for item in found] == ["later"]
        same = "2025-07-25T05:00:00+02:00"
        found_by = {"eq": (same, ["later"]), "in": ([same, "2025-07-25"], ["later"]), "ne": (same, ["earlier"])}
        for op, (operand, texts) in found_by.items():
            body = {"query": "x", "user_id": user, "filters": {key: {op: operand}}}
            assert [item["memory"] for item in client.post("/search", json=body).json()["results"]] == texts, (key, op)
    bad = client.post("/search", json={"query": "x", "user_id": user, "filters": {"created_at": {"gt": "yesterday"}}})
    assert (bad.status_code, "ISO 8601" in bad.text) == (400, True)


def test_a_bad_line_of_an_import_is_told_by_its_number_and_the_others_are_taken(
    client: httpx.Client, user: str
) -> None:
    header = json.loads(client.get("/export", params={"user_id": user}).text.splitlines()[0])
    vector = [1.0] + [0.0] * 383
    relation = {"type": "relation", "user_id": user, "source": "a", "relationship": "knows", "destination": "b"}
    rows: list[Any] = [
        header,
        line(user, vector=vector),
        line(user, created_at="2024-01-01T00:00:00\x00"),
        line(user, created_at="9999-12-31T23:59:59-07:00"),
        line(user, updated_at="yesterday"),
        line(user, vector=[0.0] * 384),
        json.dumps(line(user, vector=vector)).replace("1.0,", "NaN,", 1),
        json.dumps(line(user, vector=vector)).replace("1.0,", "1e39,", 1),
        line(user, vector=[1.0, 2.0]),
        line(user, vector=["1.0"] * 384),
        line(user, vector=[1e30] * 384),
        line(user, vector=[1e-30] * 384),
        line(user, metadata={"user_id": "other"}),
        {**relation, "relationship": " "},
        {**relation, "source_type": "Mem0Identity"},
        relation,
        line(user, vector=vector),
    ]
    report = load(client, rows)
    assert (report["added"], report["relations"]) == (2, 1)
    assert [failure["line"] for failure in report["failures"]] == list(range(3, 16))
    found = client.post("/search", json={"query": "a note", "user_id": user}).json()["results"]
    assert [type(item["score"]) for item in found] == [float, float]


def test_an_import_says_what_is_odd_about_its_lines(client: httpx.Client, user: str) -> None:
    mine = line(user)
    report = load(client, [mine, {"type": "end", "memories": 3, "relations": 0}], before=b"\xef\xbb\xbf")
    assert report["added"] == 1
    assert len(report["notes"]) == 2
    assert "byte order mark" in report["notes"][0]
    assert "the end counts 3" in report["notes"][1]
    theirs = load(client, [{**mine, "user_id": f"{user}-other"}])
    assert theirs["failures"] == [{"line": 1, "reason": "id: a memory of somebody else has it"}]
    both = line(user)
    report = load(client, [both, {**both, "memory": "again"}, {**both, "user_id": f"{user}-other"}])
    assert (report["added"], report["skipped"], report["failed"]) == (1, 1, 1)
    assert report["failures"] == [{"line": 3, "reason": "id: a memory of somebody else has it"}]
    assert client.get(f"/memories/{both['id']}").json()["memory"] == "a note"
    other = client.post("/import", content=json.dumps({"type": "header", "format": 2}).encode())
    assert (other.status_code, "format 2" in other.text) == (400, True)


def test_a_write_that_the_graph_refuses_for_good_is_told_and_has_a_way_out(
    client: httpx.Client, stores: Stores, user: str
) -> None:
    key = str(uuid.uuid4())
    broken = {"scope": {"user_id": user}, "add": [{"unknown": 1}], "invalidate": []}
    stores.sql("INSERT INTO mem0_intents (id, scope, graph) VALUES (%s, %s, %s)", key, user, json.dumps(broken))

    def parked() -> Any:
        # A write of another scope lets the repair look at what is left.
        keep(client, "a note", user_id=f"{user}-other")
        return client.get("/ready").json()["parked_repairs"] == 1

    eventually("the repair sets it aside", parked)
    [told] = client.get("/admin/repairs").json()["results"]
    assert (told["id"], told["scope"], told["reason"]) == (key, user, "cannot be read (TypeError)")
    assert client.get("/ready").json()["parked_reasons"] == [told["reason"]]
    client.post(f"/admin/repairs/{key}/retry").raise_for_status()
    eventually("it is set aside again", lambda: client.get("/admin/repairs").json()["results"])
    client.delete(f"/admin/repairs/{key}").raise_for_status()
    assert client.get("/admin/repairs").json()["results"] == []
    assert stores.sql("SELECT count(*) FROM mem0_intents WHERE id = %s", key) == [(0,)]


def test_an_entity_cannot_pass_for_the_graphs_identity(stores: Stores, server: Server, client: httpx.Client) -> None:
    stores.cypher("CREATE (:__Entity__:Mem0Identity {instance_id: 'theirs', user_id: 'x', name: 'n'})")
    try:
        server.stop()
        server.start()
    finally:
        stores.cypher("MATCH (n:Mem0Identity {instance_id: 'theirs'}) DETACH DELETE n")
