"""Export and import: JSON lines, idempotent, and continued after a kill."""

from __future__ import annotations

import json
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stores.stack import Server, Stores, eventually, running


def lines(reply: httpx.Response) -> list[dict[str, Any]]:
    assert reply.is_success, reply.text
    return [json.loads(line) for line in reply.text.splitlines()]


def load(client: httpx.Client, rows: list[dict[str, Any]]) -> dict[str, Any]:
    reply = client.post("/import", content="\n".join(json.dumps(row) for row in rows).encode())
    assert reply.is_success, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_what_is_exported_can_be_imported_into_an_empty_stack(stores: Stores, tmp_path_factory: Any) -> None:
    stores.heal()
    stores.wipe()
    with running(Server(stores, tmp_path_factory.mktemp("a"))) as client:
        for text in ("I keep bees on the roof.", "I play chess with Bob."):
            client.post("/memories", json={"messages": text, "user_id": "alice"}).raise_for_status()
        note = {"messages": "a note", "agent_id": "bot", "infer": False, "metadata": {"n": 1}}
        client.post("/memories", json=note).raise_for_status()
        exported = lines(client.get("/export", params={"vectors": True}))
    assert exported[0]["type"] == "header"
    assert exported[-1] == {
        "type": "end",
        "memories": sum(row["type"] == "memory" for row in exported),
        "relations": sum(row["type"] == "relation" for row in exported),
    }
    assert exported[-1]["relations"] > 0
    stores.wipe()
    with running(Server(stores, tmp_path_factory.mktemp("b"))) as client:
        report = load(client, exported)
        assert (report["added"], report["failed"]) == (exported[-1]["memories"], 0)
        again = lines(client.get("/export", params={"vectors": True}))

        def comparable(rows: list[dict[str, Any]]) -> list[str]:
            return sorted(json.dumps(row, sort_keys=True) for row in rows[1:])

        assert comparable(again) == comparable(exported)
        second = load(client, exported)
        assert (second["added"], second["skipped"]) == (0, exported[-1]["memories"])
        assert client.get("/memories", params={"user_id": "alice"}).json()["total"] == 2
        found = client.post("/search", json={"query": "Which animals do I have?", "user_id": "alice"}).json()
        assert "bees" in found["results"][0]["memory"].lower()
        history = client.get(f"/memories/{found['results'][0]['id']}/history").json()
        assert [row["event"] for row in history] == ["ADD"]


def test_an_export_can_be_of_one_user(client: httpx.Client, user: str) -> None:
    for name in (user, f"{user}-other"):
        client.post("/memories", json={"messages": "a note", "user_id": name, "infer": False}).raise_for_status()
    rows = lines(client.get("/export", params={"user_id": user}))
    assert [row.get("user_id") for row in rows if row["type"] == "memory"] == [user]


def test_bad_lines_are_told_by_number_and_the_good_ones_taken(client: httpx.Client, user: str) -> None:
    good = {"type": "memory", "id": str(uuid.uuid4()), "memory": "a note", "user_id": user}
    rows = [
        json.dumps(good),
        "{broken",
        json.dumps({**good, "id": "x"}),
        json.dumps({**good, "memory": ""}),
        json.dumps({"type": "magic"}),
        json.dumps({key: value for key, value in good.items() if key != "user_id"} | {"id": str(uuid.uuid4())}),
    ]
    report = client.post("/import", content="\n".join(rows).encode()).json()
    assert (report["added"], report["failed"]) == (1, 5)
    assert [item["line"] for item in report["failures"]] == [2, 3, 4, 5, 6]


def test_a_memory_that_is_too_long_for_this_embedder_does_not_stop_the_others(client: httpx.Client, user: str) -> None:
    texts = ["a note", "word " * 19_000, "another note"]
    rows = [{"type": "memory", "id": str(uuid.uuid4()), "memory": text, "user_id": user} for text in texts]
    report = load(client, rows)
    assert (report["added"], report["skipped"], report["failed"]) == (2, 0, 1)
    assert report["failures"] == [{"line": 2, "reason": "memory: longer than the embedding model takes"}]


def test_a_line_that_is_too_long_is_told_by_number_and_the_others_taken(client: httpx.Client, user: str) -> None:
    notes = [
        json.dumps({"type": "memory", "id": str(uuid.uuid4()), "memory": text, "user_id": user}).encode() + b"\n"
        for text in ("before", "after")
    ]

    def stream() -> Iterator[bytes]:
        yield notes[0]
        for _ in range(40):
            yield b"x" * 100_000
        yield b"\n" + notes[1]

    report = client.post("/import", content=stream()).json()
    assert (report["added"], report["failures"]) == (2, [{"line": 2, "reason": "longer than a line may be"}])


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_an_import_that_is_killed_can_be_continued(stores: Stores, tmp_path: Path, how: signal.Signals) -> None:
    stores.heal()
    stores.wipe()
    server = Server(stores, tmp_path)
    vector = [0.0] * 384
    total = 20_000

    def rows() -> Iterator[bytes]:
        yield (
            json.dumps({"type": "header", "format": 1, "embedder": "mem0-embedded", "dimensions": 384}).encode() + b"\n"
        )
        for n in range(total):
            # Embeddings of an earlier export: what is tried here is the stores, not the model.
            known = [*vector[: n % 384], 1.0, *vector[n % 384 + 1 :]]
            row = {"type": "memory", "id": str(uuid.UUID(int=n + 1)), "memory": f"note {n}", "user_id": f"u{n % 50}"}
            yield json.dumps({**row, "vector": known}).encode() + b"\n"

    server.start()

    def send() -> None:
        try:
            with server.client() as client:
                client.post("/import", content=rows())
        except httpx.HTTPError:
            pass

    sender = threading.Thread(target=send)
    sender.start()
    eventually("a part is stored", lambda: stores.sql("SELECT count(*) FROM memories")[0][0] > 2000, 120)
    server.stop(how)
    sender.join()
    part = stores.sql("SELECT count(*) FROM memories")[0][0]
    # Told to stop, it may have had the time to finish.
    assert 2000 < part < total + (how is signal.SIGTERM)
    with running(server) as client:
        report = client.post("/import", content=rows(), timeout=600).json()
        assert report["added"] + report["skipped"] == total
        assert report["skipped"] >= part
        eventually("nothing is left to do", lambda: stores.sql("SELECT count(*) FROM mem0_intents") == [(0,)], 60)
        assert stores.sql("SELECT count(*), count(DISTINCT id) FROM memories") == [(total, total)]
        for n in (0, 1999, total - 1):
            history = client.get(f"/memories/{uuid.UUID(int=n + 1)}/history").json()
            assert [row["event"] for row in history] == ["ADD"]
