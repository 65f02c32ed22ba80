"""Who told a relation: what one agent or run is made to forget, another one still knows; and nobody is no user."""

from __future__ import annotations

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
