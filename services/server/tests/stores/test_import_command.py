"""`./mem0 import` itself, of 20,000 memories, cut off in the middle: nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.stores.stack import KEYS, ROOT, Server, Stores, eventually

pytestmark = pytest.mark.long

COMMAND = ROOT.parents[1] / "mem0"
TOTAL, RELATIONS = 20_000, 40
PART = 3000


def memory_id(n: int) -> str:
    return str(uuid.UUID(int=n + 1))


def write_export(file: Path) -> None:
    """What `./mem0 export --vectors` writes. With vectors: what is tried here is the stores, not the model."""
    with file.open("w", encoding="utf-8") as lines:

        def write(**row: Any) -> None:
            lines.write(json.dumps(row) + "\n")

        write(type="header", format=1, embedder="mem0-embedded", dimensions=384)
        for n in range(TOTAL):
            vector = [0.0] * 384
            vector[n % 384] = 1.0
            vector[(n // 384) % 384] += 0.5
            owner = f"u{n % 50}"
            write(type="memory", id=memory_id(n), memory=f"note {n}", user_id=owner, vector=vector)
        for n in range(RELATIONS):
            ends = {"source": f"person{n}", "relationship": "knows", "destination": f"friend{n}"}
            write(type="relation", **ends, user_id=f"u{n % 50}", memory_ids=[memory_id(n)])
        write(type="end", memories=TOTAL, relations=RELATIONS)


def deployed(server: Server, home: Path) -> None:
    """The manifest and key that `./mem0 up` leaves for a stack, for this server."""
    directory = home / "stacks/test"
    directory.mkdir(parents=True)
    key = directory / "api_key"
    key.touch(mode=0o600)
    key.write_text(KEYS["admin"])
    service = {"container": "none", "image": "none", "ports": {"http": server.port}}
    manifest = {
        "version": 1,
        "stack": "test",
        "homeId": "tests",
        "instanceId": server.instance_id,
        "dockerHost": "none",
        "services": {"server": service},
        "network": "none",
        "stores": {},
        "database": {"name": "none", "user": "none", "collection": "memories"},
        "model": {"provider": "embedded", "llm": "mem0-rules", "embedder": "mem0-embedded", "dimensions": 384},
        "defaultUser": "me",
        "secretFiles": {"api_key": str(key)},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))


class Import:
    """The command as a process group of its own."""

    def __init__(self, home: Path, file: Path) -> None:
        self._process = subprocess.Popen(
            [str(COMMAND), "import", str(file), "--json"],
            env={**os.environ, "MEM0_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        assert self._process.wait(30) == -signal.SIGKILL

    def report(self) -> dict[str, Any]:
        """What it says at its end, which must be a good one."""
        out, errors = self._process.communicate(timeout=600)
        assert self._process.returncode == 0, errors
        found: dict[str, Any] = json.loads(out)
        return found


@pytest.mark.parametrize("killed", ["command", "server"])
def test_an_import_that_is_cut_off_ends_with_every_memory_once(stores: Stores, tmp_path: Path, killed: str) -> None:
    stores.heal()
    stores.wipe()
    file, home = tmp_path / "export.jsonl", tmp_path / "home"
    write_export(file)
    server = Server(stores, tmp_path)
    server.start()
    deployed(server, home)

    def stored() -> int:
        return int(stores.sql("SELECT count(*) FROM memories")[0][0])

    try:
        running = Import(home, file)
        eventually("a part is stored", lambda: stored() > PART, 300)
        if killed == "command":
            running.kill()
            part = stored()
            running = Import(home, file)
        else:
            # It waits for the server to come back, and goes on by itself.
            server.stop(signal.SIGKILL)
            part = stored()
            server.start()
        assert PART < part < TOTAL
        report = running.report()
        assert (report["failed"], report["whole"], report["lines"]) == (0, True, TOTAL + RELATIONS)
        assert report["added"] + report["skipped"] == TOTAL
        if killed == "command":
            # The request under way at that moment may have been taken whole.
            assert report["skipped"] >= part

        eventually("nothing is left to do", lambda: stores.sql("SELECT count(*) FROM mem0_intents") == [(0,)], 120)
        rows = stores.sql("SELECT id::text, payload->>'data', payload->>'user_id' FROM memories ORDER BY id")
        assert rows == [(memory_id(n), f"note {n}", f"u{n % 50}") for n in range(TOTAL)]
        related = (
            "MATCH (n:__Entity__)-[r]->(m:__Entity__) WHERE r.valid RETURN n.name, m.name, n.user_id ORDER BY n.name"
        )
        wanted = sorted([f"person{n}", f"friend{n}", f"u{n % 50}"] for n in range(RELATIONS))
        assert stores.cypher(related) == wanted
    finally:
        server.stop()
    with sqlite3.connect(tmp_path / "history.db") as history:
        counts = history.execute("SELECT count(*), count(DISTINCT memory_id), min(event), max(event) FROM history")
        assert counts.fetchone() == (TOTAL, TOTAL, "ADD", "ADD")
