"""The service around the model: bad requests, overload, health, metrics, stopping."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from mem0_model import CHAT_MODEL, DIMENSIONS, EMBEDDING_MODEL
from mem0_model.app import create_app
from mem0_model.embedder import Vectors
from mem0_model.pool import Pool
from mem0_model.settings import Settings, SettingsError, load


class BlockedEmbedder:
    """Embeds nothing until it is let go; the test at the start passes."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()

    def embed(self, texts: list[str]) -> Vectors:
        self.free.wait(30)
        return np.full((len(texts), DIMENSIONS), DIMENSIONS**-0.5, dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b'{"model":1,"input":"x"}', b'{"input":"x"}', b"\xff\xfe",
     b'{"model":"mem0-embedded","input":null}', b'{"model":"mem0-embedded","input":{"a":1}}',
     b'{"model":"mem0-embedded","input":"x","encoding_format":"int8"}',
     b"[" * 100_000],
)  # fmt: skip
def test_a_malformed_body_is_a_400_in_openais_form(client: TestClient, body: bytes) -> None:
    for path in ("/v1/embeddings", "/v1/chat/completions"):
        reply = client.post(path, content=body, headers={"content-type": "application/json"})
        assert reply.status_code == 400
        assert reply.json()["error"]["type"] == "invalid_request_error"


def test_half_a_surrogate_pair_is_text_like_any_other(client: TestClient) -> None:
    body = b'{"model":"mem0-embedded","input":"\\ud800"}'
    headers = {"content-type": "application/json"}
    assert client.post("/v1/embeddings", content=body, headers=headers).status_code == 200


def test_unknown_paths_and_methods_answer_in_openais_form(client: TestClient) -> None:
    assert client.get("/v1/nothing").status_code == 404
    assert client.get("/v1/embeddings").status_code == 405
    assert "error" in client.post("/v1/completions", json={}).json()


def test_a_body_beyond_the_limit_is_a_413(client: TestClient) -> None:
    big = {"model": EMBEDDING_MODEL, "input": "x" * 2_000_001}
    assert client.post("/v1/embeddings", json=big).status_code == 413
    chunks = (b"x" * 100_000 for _ in range(30))
    reply = client.post("/v1/embeddings", content=chunks)
    assert reply.status_code == 413
    assert reply.json()["error"]["message"]


def test_a_prompt_beyond_the_limit_is_a_400(client: TestClient) -> None:
    body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "x" * 400_001}]}
    reply = client.post("/v1/chat/completions", json=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "context_length_exceeded"


def test_a_full_queue_is_a_429_and_the_rest_is_served() -> None:
    embedder = BlockedEmbedder()
    app = create_app(Settings(workers=1, queue=2), lambda: embedder)
    body = {"model": EMBEDDING_MODEL, "input": "x"}
    with TestClient(app) as client, ThreadPoolExecutor(8) as threads:
        embedder.free.clear()
        futures = [threads.submit(client.post, "/v1/embeddings", json=body) for _ in range(8)]
        deadline = time.monotonic() + 20
        while sum(f.done() for f in futures) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert client.get("/health").status_code == 200, "health answers under load"
        embedder.free.set()
        replies = [future.result(20) for future in futures]
        assert sorted(reply.status_code for reply in replies) == [200] * 3 + [429] * 5
        refused = next(reply for reply in replies if reply.status_code == 429)
        assert refused.headers["retry-after"] == "1"
        assert client.post("/v1/embeddings", json=body).status_code == 200


def test_a_failure_inside_is_a_500_without_its_details() -> None:
    class Broken(BlockedEmbedder):
        def count_tokens(self, text: str) -> int:
            raise RuntimeError("secret detail")

    with TestClient(create_app(Settings(), Broken), raise_server_exceptions=False) as client:
        reply = client.post("/v1/embeddings", json={"model": EMBEDDING_MODEL, "input": "x"})
    assert reply.status_code == 500
    assert reply.json()["error"]["type"] == "server_error"
    assert "secret" not in reply.text


def test_health_tells_model_and_dimensions(client: TestClient) -> None:
    assert client.get("/health").json() == {
        "status": "ok",
        "embedding_model": EMBEDDING_MODEL,
        "dimensions": DIMENSIONS,
    }


def test_health_is_red_when_the_engine_fails_or_hangs() -> None:
    class Failing(BlockedEmbedder):
        broken = False

        def embed(self, texts: list[str]) -> Vectors:
            if self.broken:
                raise RuntimeError
            return super().embed(texts)

    embedder = Failing()
    with TestClient(create_app(Settings(), lambda: embedder), raise_server_exceptions=False) as one:
        assert one.get("/health").status_code == 200
        embedder.broken = True
        assert one.get("/health").status_code == 500


def test_a_pool_tells_how_long_its_oldest_job_runs() -> None:
    async def story() -> None:
        pool = Pool(1, 1)
        release = threading.Event()
        job = asyncio.create_task(pool.run(release.wait, 20))
        while pool.longest == 0:
            await asyncio.sleep(0)
        assert pool.busy
        release.set()
        await job
        assert pool.longest == 0
        pool.close()

    asyncio.run(story())


def test_metrics_count_requests_by_route(client: TestClient) -> None:
    client.post("/v1/embeddings", json={"model": EMBEDDING_MODEL, "input": ["a", "b"]})
    client.get("/v1/some/other/path")
    page = client.get("/metrics").text
    assert 'model_request_seconds_count{route="/v1/embeddings",status="200"}' in page
    assert "model_texts_total" in page
    assert "some/other" not in page


def test_wrong_settings_are_told_together() -> None:
    with pytest.raises(SettingsError, match=r"MODEL_WORKERS is '0'.*MODEL_QUEUE is 'many'"):
        load({"MODEL_WORKERS": "0", "MODEL_QUEUE": "many"})
    assert load({"MODEL_PORT": " 9000 ", "MODEL_QUEUE": ""}) == Settings(port=9000)


def test_the_process_starts_serves_and_ends_cleanly_on_sigterm() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "mem0_model"],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "MODEL_PORT": str(port)},
    )
    try:
        deadline = time.monotonic() + 30
        answered = False
        while not answered and time.monotonic() < deadline and process.poll() is None:
            try:
                answered = httpx.get(f"http://127.0.0.1:{port}/health").is_success
            except httpx.TransportError:
                time.sleep(0.02)
        assert answered
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
    finally:
        process.kill()
