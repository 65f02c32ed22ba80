"""Faults in the middle of writes: every answer is bounded, nothing acknowledged is lost, nothing is doubled.

Each round hits one of the stores, the model or the server itself while clients write; then the stores are compared
in full. `MEM0_FAULT_ROUNDS` sets the number of rounds, `MEM0_FAULT_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stores.stack import Server, Stores, eventually, running

ROUNDS = int(os.environ.get("MEM0_FAULT_ROUNDS", "12"))
SEED = int(os.environ.get("MEM0_FAULT_SEED", "1"))
WRITERS = 4
# No answer may take longer than its own bounds together: planning, two transactions, the wait for the rest.
BOUNDS = {"ADD_TIMEOUT_S": "12", "STORE_TIMEOUT_S": "3", "MODEL_TIMEOUT_S": "4", "REPAIR_INTERVAL_S": "0.5"}
LONGEST_ANSWER_S = 12 + 3 * 3 + 6 + 5
SENTENCES = ("I keep bees on the roof.", "I play chess with Bob.", "My sister Anna lives in Berlin.")


@dataclass
class Ledger:
    """What clients were promised."""

    plain: dict[str, str] = field(default_factory=dict)
    """Text to id of memories that were acknowledged and not deleted since."""
    deleted: set[str] = field(default_factory=set)
    inferred: dict[str, dict[str, Any]] = field(default_factory=dict)
    """User to the acknowledged reply; each of these users told one sentence once."""
    answers: list[tuple[float, int]] = field(default_factory=list)


class Writer:
    """One client that repeats what was not acknowledged, with the same Idempotency-Key, as clients should."""

    def __init__(self, server: Server, ledger: Ledger, rng: random.Random) -> None:
        self._server = server
        self._ledger = ledger
        self._rng = rng

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            kind = self._rng.random()
            if kind < 0.5:
                self._plain()
            elif kind < 0.8:
                self._inferred()
            else:
                self._delete()

    def _plain(self) -> None:
        text = f"note {uuid.UUID(int=self._rng.getrandbits(128))}"
        body = {"messages": text, "user_id": f"plain-{self._rng.randrange(3)}", "infer": False}
        self._ledger.plain[text] = self._until_done("POST", "/memories", body)["results"][0]["id"]

    def _inferred(self) -> None:
        user = f"told-{uuid.UUID(int=self._rng.getrandbits(128))}"
        body = {"messages": self._rng.choice(SENTENCES), "user_id": user}
        self._ledger.inferred[user] = self._until_done("POST", "/memories", body)

    def _delete(self) -> None:
        text = next(iter(self._ledger.plain), None)
        key = self._ledger.plain.pop(text, None) if text else None
        if key:
            self._until_done("DELETE", f"/memories/{key}", None)
            self._ledger.deleted.add(key)

    def _until_done(self, method: str, path: str, body: Any) -> dict[str, Any]:
        headers = {"Idempotency-Key": uuid.uuid4().hex} if body else {}
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            started = time.monotonic()
            try:
                with self._server.client("write", LONGEST_ANSWER_S) as client:
                    reply = client.request(method, path, json=body, headers=headers)
            except httpx.ConnectError:
                time.sleep(0.1)  # the server itself is down
                continue
            except (httpx.RemoteProtocolError, httpx.ReadError):
                continue  # it was killed while it answered
            self._ledger.answers.append((time.monotonic() - started, reply.status_code))
            if reply.is_success or (method == "DELETE" and reply.status_code == 404):
                found: dict[str, Any] = reply.json()
                return found
            assert reply.status_code in {409, 502, 503}, reply.text
            assert reply.headers["content-type"] == "application/problem+json"
            time.sleep(0.1)
        raise AssertionError(f"{method} {path} was not acknowledged within 180 s")


@contextmanager
def fault(stores: Stores, server: Server, target: str, how: str) -> Iterator[None]:
    """Hit `target`; mended at the end of the block."""
    if target == "server":
        server.stop(signal.SIGKILL)
        try:
            yield
        finally:
            server.start(ready=False)
        return
    container = stores.containers()[target]
    hit: dict[str, Callable[[], Any]] = {
        "pause": container.pause,
        "kill": container.kill,
        "restart": lambda: container.restart(timeout=30),
        "disconnect": lambda: stores.disconnect(target),
    }
    mend: dict[str, Callable[[], Any]] = {
        "pause": container.unpause,
        "kill": container.start,
        "restart": lambda: None,
        "disconnect": lambda: stores.connect(target),
    }
    hit[how]()
    try:
        yield
    finally:
        mend[how]()


FAULTS = [
    (target, how) for target in ("postgres", "neo4j", "model") for how in ("pause", "kill", "disconnect", "restart")
] + [("server", "kill")]


@pytest.mark.long
def test_nothing_is_lost_or_doubled(stores: Stores, tmp_path: Path) -> None:
    print(f"MEM0_FAULT_SEED={SEED} MEM0_FAULT_ROUNDS={ROUNDS}")
    rng = random.Random(SEED)
    stores.heal()
    stores.wipe()
    server = Server(stores, tmp_path, extra=BOUNDS)
    ledger = Ledger()
    order = [FAULTS[n % len(FAULTS)] for n in range(ROUNDS)]
    rng.shuffle(order)
    with running(server):
        for number, (target, how) in enumerate(order):
            stop = threading.Event()
            with ThreadPoolExecutor(WRITERS) as pool:
                writers = [Writer(server, ledger, random.Random(rng.getrandbits(64))) for _ in range(WRITERS)]
                running_writers = [pool.submit(writer.run, stop) for writer in writers]
                time.sleep(rng.uniform(0.2, 1.5))
                with fault(stores, server, target, how):
                    time.sleep(rng.uniform(0.2, 5.0))
                stores.wait()
                time.sleep(rng.uniform(0.0, 0.5))
                stop.set()
                for job in running_writers:
                    job.result(timeout=240)
            print(f"round {number}: {target} {how}; {len(ledger.answers)} answers")
        eventually("the server is ready again", server.is_ready, 120)
        with server.client() as client:
            settled = client.post("/admin/maintenance", json={"seconds": 120, "drain_seconds": 60}).json()
            assert settled["drained"], settled
        compare(stores, tmp_path / "history.db", ledger)
    slowest = max(seconds for seconds, _ in ledger.answers)
    codes = {code: sum(c == code for _, c in ledger.answers) for code in sorted({c for _, c in ledger.answers})}
    print(f"{len(ledger.answers)} answers {codes}, slowest {slowest:.1f} s")
    assert slowest < LONGEST_ANSWER_S
    assert ledger.inferred
    assert ledger.plain


def compare(stores: Stores, history_path: Path, ledger: Ledger) -> None:
    """Everything in every store against everything that was promised."""
    rows = {str(key): payload for key, payload in stores.sql("SELECT id, payload FROM memories")}
    with sqlite3.connect(history_path) as db:
        history: dict[str, list[str]] = {}
        for key, event in db.execute("SELECT memory_id, event FROM history ORDER BY updated_at, rowid"):
            history.setdefault(key, []).append(event)

    # Acknowledged and not deleted: there once, under the promised id.
    stored: dict[str, list[str]] = {}
    for key, payload in rows.items():
        stored.setdefault(payload["data"], []).append(key)
    for text, key in ledger.plain.items():
        assert stored.get(text) == [key], f"{text}: promised {key}, stored {stored.get(text)}"
    assert not ledger.deleted & rows.keys()
    for user, reply in ledger.inferred.items():
        mine = [key for key, payload in rows.items() if payload.get("user_id") == user]
        assert sorted(mine) == sorted(item["id"] for item in reply["results"]), user

    # Every memory has one beginning in the history, every one that is gone an end, and nothing else has either.
    assert {key for key, events in history.items() if "DELETE" not in events} == rows.keys()
    for key, events in history.items():
        assert events == (["ADD"] if key in rows else ["ADD", "DELETE"]), f"{key}: {events}"

    # Every relation belongs to memories that exist and was made once; every acknowledged one is there.
    relations = stores.cypher(
        "MATCH (n:__Entity__)-[r]->(m:__Entity__) WHERE r.valid RETURN n.user_id, type(r), r.memory_ids, r.mentions"
    )
    made: dict[str, int] = {}
    for user, kind, memory_ids, mentions in relations:
        assert memory_ids, f"{user} {kind} belongs to no memory"
        assert set(memory_ids) <= rows.keys(), f"{user} {kind} belongs to memories that are gone"
        assert mentions == 1, f"{user} {kind} was made {mentions} times"
        made[user] = made.get(user, 0) + 1
    for user, reply in ledger.inferred.items():
        promised = {tuple(sorted(item.items())) for [item] in reply["relations"]["added_entities"]}
        assert made.get(user, 0) == len(promised), user
    assert stores.sql("SELECT count(*) FROM mem0_intents") == [(0,)]
    eventually("no mark is left", lambda: stores.cypher("MATCH (a:Mem0Applied) RETURN count(a)") == [[0]], 30)


@pytest.fixture(scope="module")
def quick(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    stores.heal()
    stores.wipe()
    server = Server(stores, tmp_path_factory.mktemp("quick"), extra=BOUNDS)
    with running(server):
        yield server
    stores.heal()


@pytest.mark.parametrize(
    ("target", "status", "failed"),
    [("postgres", 503, "Postgres"), ("neo4j", 503, "Neo4j"), ("model", 502, "model")],
)
@pytest.mark.parametrize("how", ["pause", "kill", "disconnect"])
def test_an_add_that_fails_says_what_failed_and_leaves_nothing(
    quick: Server, stores: Stores, target: str, status: int, failed: str, how: str
) -> None:
    user = f"user-{uuid.uuid4()}"
    with quick.client(timeout=LONGEST_ANSWER_S) as client:
        with fault(stores, quick, target, how):
            reply = client.post("/memories", json={"messages": "I keep bees on the roof.", "user_id": user})
            assert (reply.status_code, reply.json()["failed"]) == (status, failed), reply.text
            assert client.get("/health").is_success
            ready = client.get("/ready")
            assert ready.status_code == 503
            assert ready.json()["checks"][target]["ok"] is False
        stores.wait()
        eventually("it is ready by itself", quick.is_ready, 60)
        assert client.get("/memories", params={"user_id": user}).json()["total"] == 0
        assert client.get("/memories", params={"user_id": user}).json()["relations"] == []
        body = {"messages": SENTENCES[0], "user_id": user}
        eventually("adding works", lambda: client.post("/memories", json=body).is_success, 60)


def test_searching_goes_on_without_the_graph_and_says_so(quick: Server, stores: Stores) -> None:
    with quick.client() as client:
        client.post("/memories", json={"messages": SENTENCES[0], "user_id": "search"}).raise_for_status()
        with fault(stores, quick, "neo4j", "pause"):
            found = client.post("/search", json={"query": "bees", "user_id": "search"}).json()
        assert len(found["results"]) == 1
        assert found["degraded"] == ["graph"]


def test_a_restarted_postgres_fails_no_request(quick: Server, stores: Stores) -> None:
    with quick.client() as client:
        body = {"messages": "a note", "user_id": "again", "infer": False}
        client.post("/memories", json=body).raise_for_status()
        stores.postgres.restart(timeout=30)
        stores.wait()
        for _ in range(5):
            assert client.post("/memories", json=body).is_success


def test_a_network_that_was_gone_leaves_nothing_under_way(quick: Server, stores: Stores) -> None:
    """The connections of before lead nowhere, and nobody will ever say so."""
    ledger, stop = Ledger(), threading.Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [Writer(quick, ledger, random.Random(n)) for n in range(WRITERS)]
        jobs = [pool.submit(writer.run, stop) for writer in writers]
        eventually("writes are under way", lambda: len(ledger.answers) > WRITERS, 60)
        with fault(stores, quick, "postgres", "disconnect"):
            time.sleep(2 * float(BOUNDS["STORE_TIMEOUT_S"]))
        stop.set()
        for job in jobs:
            job.result(timeout=240)
    eventually("it is ready by itself", quick.is_ready, 60)
    with quick.client() as client:
        settled = client.post("/admin/maintenance", json={"seconds": 60, "drain_seconds": 30}).json()
        client.delete("/admin/maintenance").raise_for_status()
    assert settled["drained"], settled


def test_a_graph_that_hangs_after_the_commit_is_caught_up_by_itself(quick: Server, stores: Stores) -> None:
    with quick.client(timeout=LONGEST_ANSWER_S) as client:
        body = {"messages": SENTENCES[0], "user_id": "later"}
        key = client.post("/memories", json=body).json()["results"][0]["id"]
        eventually("nothing is left to do", lambda: stores.sql("SELECT count(*) FROM mem0_intents") == [(0,)], 60)
        with fault(stores, quick, "neo4j", "pause"):
            assert client.delete(f"/memories/{key}").is_success
            assert client.get(f"/memories/{key}").status_code == 404
            mine = "SELECT count(*) FROM mem0_intents WHERE scope LIKE 'later%%' AND graph IS NOT NULL"
            assert stores.sql(mine) == [(1,)]
        eventually(
            "the relation is gone",
            lambda: client.get("/memories", params={"user_id": "later"}).json().get("relations") == [],
            60,
        )
        eventually("nothing is left to do", lambda: stores.sql("SELECT count(*) FROM mem0_intents") == [(0,)], 60)


def test_a_client_that_hangs_up_leaves_a_whole_memory_or_none(quick: Server, stores: Stores) -> None:
    users = [f"gone-{n}" for n in range(8)]
    for n, user in enumerate(users):
        with quick.client(timeout=0.02 + 0.06 * n) as client, suppress(httpx.TimeoutException):
            client.post("/memories", json={"messages": SENTENCES[0], "user_id": user})
    with quick.client() as client:
        eventually("all is done", lambda: client.get("/admin/maintenance").json()["writes_in_flight"] == 0, 60)
        eventually("nothing is left to do", lambda: stores.sql("SELECT count(*) FROM mem0_intents") == [(0,)], 60)
        for user in users:
            found = client.get("/memories", params={"user_id": user}).json()
            assert (found["total"], bool(found["relations"])) in {(0, False), (1, True)}, user
