"""One embedder and one running service for all tests: loading the model takes the longest."""

import os
import tempfile

# Before mem0 is imported: it writes a settings file and calls home otherwise.
os.environ["MEM0_TELEMETRY"] = "False"
os.environ["MEM0_DIR"] = tempfile.mkdtemp(prefix="mem0-")

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
import whole_parse
from fastapi.testclient import TestClient
from hypothesis import settings as hypothesis_settings
from openai import OpenAI

from mem0_model.app import create_app
from mem0_model.embedder import E5Embedder
from mem0_model.settings import Settings

whole_parse.install()
hypothesis_settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
hypothesis_settings.load_profile("fixed")


@pytest.fixture(scope="session")
def embedder() -> E5Embedder:
    return E5Embedder()


@pytest.fixture(scope="session")
def client(embedder: E5Embedder) -> Iterator[TestClient]:
    app = create_app(Settings(max_body=2_000_000), lambda: embedder)
    with TestClient(app, raise_server_exceptions=False) as test_client:
        yield test_client


@pytest.fixture(scope="session")
def base_url(embedder: E5Embedder) -> Iterator[str]:
    app = create_app(Settings(), lambda: embedder)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started, "the service did not start within 30 s"
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def openai_client(base_url: str) -> OpenAI:
    return OpenAI(base_url=base_url, api_key="not-needed", max_retries=0)
