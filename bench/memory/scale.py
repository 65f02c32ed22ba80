"""Searching as the data grows: one user owns N memories, 999 others half as many together.

The model is left out: a stand-in answers each text with a vector known beforehand, so that the time is the servers' own
and that of the stores, and what an exact search finds is known.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from memory_server.collection import literal
from servers import Load, Target
from tests.stores.stack import DATABASE, PASSWORD, ROLE, Stores

OWNER = "large"
OTHERS = 999
DIMENSIONS = 384
QUERIES = 200
CENTRES = 400
SEED = 11
Vectors = NDArray[np.float32]


@dataclass
class Figures:
    """One line of the curve. `recall` is the share of the ten nearest that was found."""

    p50: float
    p95: float
    recall: float


def points(rng: np.random.Generator, centres: Vectors, count: int) -> Vectors:
    """Unit vectors around centres, as sentences lie around topics; evenly random ones are near to nothing."""
    noise = rng.normal(size=(count, DIMENSIONS)).astype(np.float32)
    found = centres[rng.integers(0, len(centres), count)] + 0.8 * noise
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


@contextmanager
def known_model(vectors: Vectors) -> Iterator[str]:
    """An OpenAI-compatible model: the text `question N ...` has vector N, any other the first; it calls no tool."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            reply = embeddings(body["input"]) if self.path.endswith("/embeddings") else CHAT
            text = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    def embeddings(given: str | list[str]) -> dict[str, Any]:
        texts = [given] if isinstance(given, str) else given
        rows = [{"index": n, "object": "embedding", "embedding": vector_of(text)} for n, text in enumerate(texts)]
        return {"object": "list", "data": rows, "model": "known", "usage": {"prompt_tokens": 1, "total_tokens": 1}}

    def vector_of(text: str) -> list[float]:
        words = text.split()
        known = len(words) > 1 and words[0] == "question" and words[1].isdigit()
        return [float(x) for x in vectors[int(words[1]) if known else 0]]

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()


CHAT = {
    "id": "known",
    "object": "chat.completion",
    "created": 0,
    "model": "known",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def question(n: int) -> str:
    """A question with a known vector that names one entity of the graph."""
    return f"question {n} about entity{n}"


def connect(stores: Stores) -> psycopg.Connection[Any]:
    """A connection for filling and for searching exactly."""
    port = stores.ports["postgres"]
    return psycopg.connect(host="127.0.0.1", port=port, dbname=DATABASE, user=ROLE, password=PASSWORD, autocommit=True)


def fill(stores: Stores, size: int, rng: np.random.Generator, centres: Vectors) -> None:
    """Make the table hold `size` memories of one user and half as many of others; the index is built afterwards."""
    with connect(stores) as conn:
        [(index,)] = conn.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'memories_hnsw_idx'").fetchall()
        conn.execute("DROP INDEX memories_hnsw_idx")
        conn.execute("TRUNCATE memories")
        others = max(OTHERS, size // 2)
        with conn.cursor() as cursor, cursor.copy("COPY memories (id, vector, payload) FROM STDIN") as copy:
            for n, point in enumerate(points(rng, centres, size + others)):
                owner = OWNER if n < size else f"small{n % OTHERS}"
                payload = {"data": f"memory {n}", "user_id": owner, "created_at": f"2026-01-01T00:00:{n:08d}+00:00"}
                copy.write_row((str(uuid.uuid4()), literal(point.tolist()), json.dumps(payload)))
        conn.execute("SET maintenance_work_mem = '400MB'")
        conn.execute(index)
        conn.execute("VACUUM ANALYZE memories")
    stores.cypher(
        "MATCH (n:__Entity__) WITH count(n) AS there UNWIND range(there, $upto) AS i "
        "CREATE (a:__Entity__ {name: 'entity' + i, user_id: $owner})-[:KNOWS {valid: true}]->"
        "(:__Entity__ {name: 'friend' + i, user_id: $owner})",
        upto=size // 10,
        owner=OWNER,
    )


def exact(stores: Stores, vectors: Vectors) -> list[set[str]]:
    """The ten nearest of the owner for each vector, found without the vector index."""
    text = "SELECT id FROM memories WHERE payload->>'user_id' = %s ORDER BY vector <=> %s::vector LIMIT 10"
    with connect(stores) as conn:
        conn.execute("SET enable_indexscan = off")
        return [{str(row[0]) for row in conn.execute(text, (OWNER, literal(v.tolist())))} for v in vectors]


async def measure(target: Target, nearest: list[set[str]]) -> Figures:
    """Ask every question twice, one after the other: the first round warms, the second counts."""
    found = Load()
    right = 0
    with target.client() as client:
        for counts in (False, True):
            for n, wanted in enumerate(nearest):
                started = time.perf_counter()
                reply = await client.ask("/search", {"query": question(n), "user_id": OWNER, "limit": 10})
                took = time.perf_counter() - started
                if not reply.good:
                    raise RuntimeError(f"{target.name} answered {reply.status}: {reply.body[:200]!r}")
                if counts:
                    found.seconds.append(took)
                    right += len(wanted & {item["id"] for item in reply.json()["results"]})
    return Figures(found.at(0.5), found.at(0.95), right / (10 * len(nearest)))


def curve(stores: Stores, sizes: list[int], servers: list[Any], say: Any) -> dict[int, dict[str, Figures]]:
    """Fill, search exactly, and measure each server at each size."""
    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(CENTRES, DIMENSIONS)).astype(np.float32)
    asked = points(rng, centres, QUERIES)
    lines: dict[int, dict[str, Figures]] = {}
    with known_model(asked) as model:
        for size in sizes:
            say(f"filling {size:,} memories of one user and {max(OTHERS, size // 2):,} of {OTHERS} others ...")
            fill(stores, size, rng, centres)
            nearest = exact(stores, asked)
            lines[size] = {}
            for start in servers:
                with start(stores, model) as target:
                    say(f"  asking {target.name} ...")
                    lines[size][target.name] = asyncio.run(measure(target, nearest))
    return lines
