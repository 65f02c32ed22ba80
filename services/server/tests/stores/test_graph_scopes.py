"""Who told a relation: what one agent or run is made to forget, another one still knows; and nobody is no user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from tests.stores.stack import Server, Stores, running

SAID = "Ann works at Acme."


def add(client: httpx.Client, text: str, **scope: str) -> None:
    client.post("/memories", json={"messages": text, **scope}).raise_for_status()


def relations(client: httpx.Client, **scope: str) -> set[tuple[str, ...]]:
    found = client.get("/memories", params=scope).raise_for_status().json()["relations"]
    return {(r["source"], r["relationship"], r["target"]) for r in found}


def tellers(exported: str) -> set[tuple[str | None, ...]]:
    return {tuple(pair) for line in exported.splitlines() for pair in json.loads(line).get("told_by", [])}


def test_forgetting_a_run_leaves_what_another_scope_told(client: httpx.Client, user: str) -> None:
    add(client, SAID, user_id=user, run_id="one")
    told_twice = relations(client, user_id=user)
    assert told_twice
    add(client, SAID, user_id=user)
    add(client, "Ann lives in Berlin.", user_id=user)
    everything = relations(client, user_id=user)
    assert told_twice < everything
    client.delete("/memories", params={"user_id": user, "run_id": "one"}).raise_for_status()
    assert relations(client, user_id=user) == everything
    assert relations(client, user_id=user, run_id="one") == set()


def test_what_only_a_run_told_goes_with_it(client: httpx.Client, stores: Stores, user: str) -> None:
    add(client, SAID, user_id=user, run_id="one", agent_id="helper")
    add(client, "Bob lives in Oslo.", user_id=user, run_id="two", agent_id="helper")
    of_two = relations(client, user_id=user, run_id="two")
    client.delete("/memories", params={"user_id": user, "run_id": "one"}).raise_for_status()
    assert relations(client, user_id=user) == of_two == relations(client, user_id=user, agent_id="helper")
    left = stores.cypher("MATCH (n:__Entity__ {user_id: $user, run_id: 'one'}) RETURN count(n)", user=user)
    assert left == [[0]]


def test_what_the_user_alone_told_does_not_show_under_an_agent(client: httpx.Client, user: str) -> None:
    add(client, SAID, user_id=user, agent_id="helper")
    of_agent = relations(client, user_id=user, agent_id="helper")
    add(client, "Ann lives in Berlin. Acme is in Oslo.", user_id=user)
    assert relations(client, user_id=user) > of_agent
    assert relations(client, user_id=user, agent_id="helper") == of_agent
    question = {"query": "Where does Ann live? What is Acme?", "user_id": user, "agent_id": "helper"}
    found = client.post("/search", json=question).json()["relations"]
    assert {(r["source"], r["relationship"], r["destination"]) for r in found} <= of_agent


def test_names_cannot_reach_into_the_mark_of_another_scope(client: httpx.Client, user: str) -> None:
    odd = ['a","b', 'a"', "a\\", "a", 'b"]', ',"b"]', "null"]
    for name in odd:
        add(client, SAID, user_id=user, agent_id=name)
    for name in odd:
        client.delete("/memories", params={"user_id": user, "agent_id": name}).raise_for_status()
        assert relations(client, user_id=user, agent_id=name) == set()
        for other in odd[odd.index(name) + 1 :]:
            assert relations(client, user_id=user, agent_id=other), (name, other)


def test_relations_from_before_there_were_marks_show_and_go_as_their_nodes_say(
    client: httpx.Client, stores: Stores, user: str
) -> None:
    add(client, SAID, user_id=user, run_id="old")
    stores.cypher("MATCH (n:__Entity__ {user_id: $user})-[r]->() REMOVE r.told_by", user=user)
    before = relations(client, user_id=user, run_id="old")
    assert before
    client.delete("/memories", params={"user_id": user, "run_id": "old"}).raise_for_status()
    assert relations(client, user_id=user) == set()


def test_a_user_called_user_and_an_agent_without_one_are_two(client: httpx.Client) -> None:
    add(client, SAID, agent_id="lonely")
    assert relations(client, agent_id="lonely")
    assert relations(client, user_id="user") == set()
    add(client, "Bob lives in Oslo.", user_id="user", agent_id="theirs")
    client.delete("/memories", params={"user_id": "user"}).raise_for_status()
    assert relations(client, agent_id="lonely")


def test_a_graph_of_an_older_version_is_taken_over(stores: Stores, data: Path) -> None:
    stores.wipe()
    server = Server(stores, data)
    with running(server) as client:
        add(client, SAID, agent_id="lonely")
        add(client, "Bob lives in Oslo.", user_id="user", agent_id="theirs")
        add(client, "Eve keeps bees.", user_id="user")
        of_user, of_lonely = relations(client, user_id="user"), relations(client, agent_id="lonely")
    as_before: dict[str, Any] = {"old": "user", "nobody": ""}
    stores.cypher("MATCH (n:__Entity__ {user_id: $nobody}) SET n.user_id = $old", **as_before)
    stores.cypher("MATCH ()-[r]->() REMOVE r.told_by")
    stores.cypher("MATCH (n:Mem0Identity) REMOVE n.layout")
    with running(server) as client:
        assert relations(client, user_id="user") == of_user
        assert relations(client, agent_id="lonely") == of_lonely
        assert stores.cypher("MATCH (n:Mem0Identity) RETURN n.layout") == [[2]]


def test_who_told_a_relation_goes_out_and_comes_in(client: httpx.Client, stores: Stores, user: str) -> None:
    add(client, SAID, user_id=user, agent_id="helper", run_id="one")
    add(client, "Bob lives in Oslo.", user_id=user, agent_id="helper")
    for text in (SAID, "Eve keeps bees."):
        add(client, text, user_id=user)
    scopes = [{}, {"agent_id": "helper"}, {"run_id": "one"}, {"agent_id": "helper", "run_id": "one"}]
    before = [relations(client, user_id=user, **scope) for scope in scopes]
    assert before[0] > before[1] > before[2] == before[3] > set()
    exported = client.get("/export", params={"user_id": user}).raise_for_status().text
    assert tellers(exported) == {("helper", "one"), ("helper", None), (None, None)}
    of_run = client.get("/export", params={"user_id": user, "run_id": "one"}).raise_for_status().text
    assert tellers(of_run) == {("helper", "one")}
    client.delete("/memories", params={"user_id": user}).raise_for_status()
    assert client.post("/import", content=exported.encode()).json()["failed"] == 0
    assert [relations(client, user_id=user, **scope) for scope in scopes] == before
    marks = stores.cypher("MATCH ({user_id: $user})-[r]->() UNWIND r.told_by AS mark RETURN DISTINCT mark", user=user)
    assert sorted(mark for (mark,) in marks) == ['["helper","one"]', '["helper",null]', "[null,null]"]


def test_a_relation_of_an_older_export_is_told_by_whom_its_line_names(client: httpx.Client, user: str) -> None:
    line = {"type": "relation", "source": "ann", "relationship": "works_at", "destination": "acme", "user_id": user}
    for told_by in ({}, {"told_by": []}):
        body = json.dumps({**line, "agent_id": "helper", **told_by})
        assert client.post("/import", content=body.encode()).json()["relations"] == 1
        assert relations(client, user_id=user, agent_id="helper") == {("ann", "works_at", "acme")}
        assert relations(client, user_id=user, run_id="one") == set()
        client.delete("/memories", params={"user_id": user}).raise_for_status()


def test_what_cannot_have_told_a_relation_fails_its_line(client: httpx.Client, user: str) -> None:
    line = {"type": "relation", "source": "ann", "relationship": "works_at", "destination": "acme", "user_id": user}
    odd: list[Any] = ["helper", [["a"]], [["a", "b", "c"]], [[1, None]], [["x" * 300, None]], [["a\0", None]]]
    body = "\n".join(json.dumps({**line, "told_by": told_by}) for told_by in odd)
    report = client.post("/import", content=body.encode()).json()
    assert (report["relations"], [failure["line"] for failure in report["failures"]]) == (0, [1, 2, 3, 4, 5, 6])


def test_relations_come_in_pages_like_memories(client: httpx.Client, user: str) -> None:
    for text in (SAID, "Bob lives in Oslo.", "Eve keeps bees.", "Dan plays chess."):
        add(client, text, user_id=user)
    everything = client.get("/memories", params={"user_id": user, "limit": 1000}).json()["relations"]
    assert len(everything) >= 4
    found: list[dict[str, str]] = []
    while page := client.get("/memories", params={"user_id": user, "limit": 3, "offset": len(found)}).json()[
        "relations"
    ]:
        assert len(page) <= 3
        found += page
    assert found == everything
    assert client.get("/memories", params={"user_id": user, "offset": 10_000_000}).json()["relations"] == []


def test_a_forgotten_runs_memories_come_off_the_relations_that_others_told(
    client: httpx.Client, stores: Stores, user: str
) -> None:
    add(client, SAID, user_id=user, run_id="one")
    [mine] = [m["id"] for m in client.get("/memories", params={"user_id": user, "run_id": "one"}).json()["results"]]
    add(client, "Bob lives in Oslo.", user_id=user)
    add(client, SAID, user_id=user)
    client.delete("/memories", params={"user_id": user, "run_id": "one"}).raise_for_status()
    named = "MATCH ({user_id: $user})-[r]->() UNWIND r.memory_ids AS id RETURN DISTINCT id"
    [[kept]] = stores.cypher(named, user=user)
    assert kept != mine
    assert ("ann", "works_at", "acme") in relations(client, user_id=user)
    [change] = [line for line in client.get(f"/memories/{mine}/history").json() if line["event"] == "DELETE"]
    assert change["memory_id"] == mine
