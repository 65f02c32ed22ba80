"""The server works on the databases it was deployed with, and on no others."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.stack import Server, Stores, eventually, running

EX_CONFIG = 78


@pytest.fixture
def fresh(stores: Stores) -> Iterator[Stores]:
    stores.heal()
    stores.wipe()
    yield stores
    stores.wipe()


def remember(server: Server, text: str = "I keep bees on the roof.") -> None:
    with running(server) as client:
        client.post("/memories", json={"messages": text, "user_id": "alice"}).raise_for_status()


def refusal(server: Server) -> str:
    """What a server says that does not start."""
    server.spawn()
    assert server.exit_code() == EX_CONFIG, server.log()
    return server.log().split("The server refuses to work on these stores:")[-1]


def test_a_first_start_binds_all_three_stores(fresh: Stores, data: Path) -> None:
    server = Server(fresh, data)
    with running(server):
        pass
    expected = ("0123456789abcdef", "mem0-embedded", 384)
    assert fresh.sql("SELECT instance_id, embedder, dimensions FROM mem0_identity") == [expected]
    assert fresh.cypher("MATCH (n:Mem0Identity) RETURN n.instance_id, n.embedder, n.dimensions") == [list(expected)]
    with sqlite3.connect(data / "history.db") as db:
        assert db.execute("SELECT instance_id, embedder, dimensions FROM mem0_identity").fetchall() == [expected]


@pytest.mark.long
def test_a_restart_finds_everything_again(fresh: Stores, data: Path) -> None:
    remember(Server(fresh, data))
    with running(Server(fresh, data)) as client:
        assert client.get("/memories", params={"user_id": "alice"}).json()["total"] == 1


def test_an_empty_postgres_behind_a_used_history_is_refused(fresh: Stores, data: Path) -> None:
    server = Server(fresh, data)
    remember(server)
    for (name,) in fresh.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        fresh.sql(f'DROP TABLE "{name}" CASCADE')
    words = refusal(server)
    assert "is empty" in words
    assert "./mem0 restore" in words
    assert fresh.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'mem0_identity'") == [(0,)]


@pytest.mark.long
def test_an_empty_postgres_behind_a_used_graph_is_refused(fresh: Stores, data: Path, tmp_path: Path) -> None:
    remember(Server(fresh, data))
    for (name,) in fresh.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        fresh.sql(f'DROP TABLE "{name}" CASCADE')
    (tmp_path / "other").mkdir()
    assert "Neo4j holds the graph of instance 0123456789abcdef" in refusal(Server(fresh, tmp_path / "other"))


@pytest.mark.long
def test_an_empty_graph_is_refused_and_can_be_accepted(fresh: Stores, data: Path) -> None:
    server = Server(fresh, data)
    remember(server)
    fresh.cypher("MATCH (n) DETACH DELETE n")
    assert "ACCEPT_EMPTY=graph" in refusal(server)
    with running(Server(fresh, data, extra={"ACCEPT_EMPTY": "graph"})) as client:
        assert client.get("/memories", params={"user_id": "alice"}).json()["total"] == 1


@pytest.mark.long
def test_a_lost_history_is_refused_and_can_be_accepted(fresh: Stores, data: Path) -> None:
    server = Server(fresh, data)
    remember(server)
    (data / "history.db").unlink()
    assert "ACCEPT_EMPTY=history" in refusal(server)
    with running(Server(fresh, data, extra={"ACCEPT_EMPTY": "history"})):
        pass


def test_the_databases_of_another_stack_are_refused(fresh: Stores, data: Path, tmp_path: Path) -> None:
    remember(Server(fresh, data))
    (tmp_path / "other").mkdir()
    words = refusal(Server(fresh, tmp_path / "other", instance_id="fedcba9876543210"))
    assert "belongs to instance 0123456789abcdef, this server was deployed as fedcba9876543210" in words


@pytest.mark.long
@pytest.mark.parametrize(
    "change",
    [{"EMBEDDER_DIMENSIONS": "768"}, {"EMBEDDER_MODEL": "text-embedding-3-small"}],
    ids=lambda c: next(iter(c)),
)
def test_another_embedder_than_that_of_the_data_is_refused(fresh: Stores, data: Path, change: dict[str, str]) -> None:
    remember(Server(fresh, data))
    words = refusal(Server(fresh, data, extra=change))
    assert "embedded by mem0-embedded (384 dimensions)" in words
    assert fresh.sql("SELECT count(*) FROM memories") == [(1,)]


@pytest.mark.long
def test_data_without_an_identity_is_not_taken_over_unasked(fresh: Stores, data: Path) -> None:
    fresh.sql("CREATE TABLE memories (id uuid PRIMARY KEY, vector vector(384), payload jsonb)")
    payload = json.dumps({"data": "theirs", "user_id": "alice", "hash": "x"})
    vector = "[" + ",".join(["0.1"] * 384) + "]"
    fresh.sql("INSERT INTO memories VALUES (gen_random_uuid(), %s::vector, %s)", vector, payload)
    assert "ADOPT_EXISTING_DATA=true" in refusal(Server(fresh, data))
    with running(Server(fresh, data, extra={"ADOPT_EXISTING_DATA": "true"})) as client:
        assert client.get("/memories", params={"user_id": "alice"}).json()["results"][0]["memory"] == "theirs"


def test_a_model_of_other_dimensions_makes_no_tables(fresh: Stores, data: Path) -> None:
    server = Server(fresh, data, extra={"EMBEDDER_DIMENSIONS": "768"})
    with running(server, ready=False) as client:
        eventually(
            "the server says what is wrong",
            lambda: "EMBEDDER_DIMENSIONS says 768" in client.get("/ready").json()["waiting_for"],
        )
        assert client.get("/memories", params={"user_id": "alice"}).status_code == 503
    assert fresh.sql("SELECT to_regclass('memories')") == [(None,)]


@pytest.mark.long
def test_without_neo4j_it_is_alive_says_what_is_missing_and_comes_back(fresh: Stores, data: Path) -> None:
    remember(Server(fresh, data))
    fresh.neo4j.stop(timeout=60)
    server = Server(fresh, data)
    with running(server, ready=False) as client:
        eventually("it waits for Neo4j", lambda: "Neo4j" in client.get("/ready").json()["waiting_for"])
        eventually("reading works", lambda: client.get("/memories", params={"user_id": "alice"}).is_success)
        listed = client.get("/memories", params={"user_id": "alice"}).json()
        assert (listed["total"], listed["degraded"]) == (1, ["graph"])
        refused = client.post("/memories", json={"messages": "I have a dog.", "user_id": "alice"})
        assert (refused.status_code, refused.json()["failed"]) == (503, "Neo4j")
        fresh.neo4j.start()
        eventually("it is ready by itself", lambda: client.get("/ready").is_success, 120)
        assert "degraded" not in client.get("/memories", params={"user_id": "alice"}).json()
        added = client.post("/memories", json={"messages": "I have a dog.", "user_id": "alice"})
        assert added.is_success, added.text


def test_postgres_swapped_under_a_running_server_is_not_served(fresh: Stores, data: Path) -> None:
    server = Server(fresh, data)
    with running(server) as client:
        fresh.sql("UPDATE mem0_identity SET instance_id = 'ffffffff'")
        fresh.postgres.restart(timeout=30)
        eventually("it refuses", lambda: client.get("/users").json().get("type") == "urn:mem0:problem:not-our-data", 60)
        assert client.get("/ready").status_code == 503
        fresh.sql("UPDATE mem0_identity SET instance_id = '0123456789abcdef'")
        eventually("it serves again", lambda: client.get("/users").is_success, 60)


@pytest.mark.parametrize("bad", [{"INSTANCE_ID": "xyz"}, {"API_KEY_FILE": "/nowhere"}])
def test_bad_settings_end_the_server_with_words(fresh: Stores, data: Path, bad: dict[str, str]) -> None:
    server = Server(fresh, data, extra=bad)
    server.spawn()
    assert server.exit_code() == EX_CONFIG
    assert next(iter(bad)) in server.log()


def test_it_stops_cleanly_when_told(fresh: Stores, data: Path) -> None:
    server = Server(fresh, data).start()
    assert server.stop() == 0
