"""Every provider, end to end: the real server and stores, and a strict fake of OpenAI's API in the model's place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.stores.openai_fake import Fake, fake
from tests.stores.stack import Server, Stores, eventually, running

KEY = "sk-of-the-tests-0123456789"


@pytest.fixture
def fresh(stores: Stores) -> Stores:
    stores.heal()
    stores.wipe()
    return stores


@pytest.fixture
def openai(stores: Stores) -> Iterator[Fake]:
    with fake(stores, "openai", KEY) as made:
        yield made


@pytest.fixture
def ollama(stores: Stores) -> Iterator[Fake]:
    with fake(stores, "ollama") as made:
        yield made


@contextmanager
def served(stores: Stores, data: Path, *, key: str | None = KEY, **settings: str) -> Iterator[httpx.Client]:
    extra = dict(settings)
    if key:
        (data / "openai").write_text(key)
        extra["OPENAI_API_KEY_FILE"] = str(data / "openai")
    with running(Server(stores, data, extra=extra)) as client:
        yield client


def of_openai(url: str, **more: str) -> dict[str, str]:
    return {
        "MODEL_PROVIDER": "openai",
        "LLM_MODEL": "gpt-4.1-mini",
        "LLM_BASE_URL": url,
        "EMBEDDER_MODEL": "text-embedding-3-small",
        "EMBEDDER_BASE_URL": url,
        "EMBEDDER_DIMENSIONS": "1536",
        **more,
    }


def of_ollama(url: str) -> dict[str, str]:
    return {
        "MODEL_PROVIDER": "openai-compatible",
        "LLM_MODEL": "llama3.1:8b",
        "LLM_BASE_URL": url,
        "EMBEDDER_MODEL": "nomic-embed-text",
        "EMBEDDER_BASE_URL": url,
        "EMBEDDER_DIMENSIONS": "768",
    }


def use(client: httpx.Client, stores: Stores, dimensions: int) -> None:
    """A life of memories: told, found by meaning, changed, contradicted, forgotten."""
    assert client.get("/ready").json()["ready"] is True
    told = client.post("/memories", json={"messages": "I keep bees on the roof.", "user_id": "alice"})
    assert told.is_success, told.text
    assert [item["event"] for item in told.json()["results"]] == ["ADD"]
    assert told.json()["relations"]["added_entities"]
    client.post("/memories", json={"messages": "I play chess with Bob.", "user_id": "alice"}).raise_for_status()
    found = client.post("/search", json={"query": "Which animals do I have?", "user_id": "alice"}).json()
    assert "bees" in found["results"][0]["memory"].lower()
    assert "degraded" not in found
    key = found["results"][0]["id"]
    client.put(f"/memories/{key}", json={"text": "I keep hens in the yard."}).raise_for_status()
    found = client.post("/search", json={"query": "Who lives in the yard?", "user_id": "alice"}).json()
    assert found["results"][0]["memory"] == "I keep hens in the yard."
    client.delete(f"/memories/{key}").raise_for_status()
    assert client.get("/memories", params={"user_id": "alice"}).json()["total"] == 1
    assert stores.sql("SELECT DISTINCT vector_dims(vector) FROM memories") == [(dimensions,)]
    sizes = stores.cypher("MATCH (n:__Entity__) RETURN DISTINCT size(n.embedding)")
    assert sizes == [[dimensions]]


def test_openai(fresh: Stores, data: Path, openai: Fake) -> None:
    with served(fresh, data, **of_openai(openai.url)) as client:
        use(client, fresh, 1536)
    assert {(call["path"], call["model"], call["status"]) for call in openai.seen()} == {
        ("/v1/embeddings", "text-embedding-3-small", 200),
        ("/v1/chat/completions", "gpt-4.1-mini", 200),
    }


@pytest.mark.long
def test_openai_with_fewer_dimensions_than_the_model_has(fresh: Stores, data: Path, openai: Fake) -> None:
    large = {"EMBEDDER_MODEL": "text-embedding-3-large", "EMBEDDER_DIMENSIONS": "1024"}
    with served(fresh, data, **of_openai(openai.url, **large)) as client:
        use(client, fresh, 1024)


@pytest.mark.long
def test_openai_with_an_embedder_whose_dimensions_cannot_be_chosen(fresh: Stores, data: Path, openai: Fake) -> None:
    with served(fresh, data, **of_openai(openai.url, EMBEDDER_MODEL="text-embedding-ada-002")) as client:
        use(client, fresh, 1536)


def test_openai_with_a_reasoning_model_which_takes_no_temperature(fresh: Stores, data: Path, openai: Fake) -> None:
    with served(fresh, data, **of_openai(openai.url, LLM_MODEL="gpt-5-mini")) as client:
        use(client, fresh, 1536)


def test_a_compatible_server_that_wants_no_key(fresh: Stores, data: Path, ollama: Fake) -> None:
    with served(fresh, data, key=None, **of_ollama(ollama.url)) as client:
        use(client, fresh, 768)
    assert not any(call["sentKey"] for call in ollama.seen())


@pytest.mark.long
def test_a_compatible_server_that_wants_a_key(fresh: Stores, data: Path) -> None:
    with fake(fresh, "ollama", KEY) as made, served(fresh, data, **of_ollama(made.url)) as client:
        use(client, fresh, 768)


def test_a_chat_model_of_openai_and_an_embedder_elsewhere_which_never_sees_the_key(
    fresh: Stores, data: Path, openai: Fake, ollama: Fake
) -> None:
    settings = {**of_ollama(ollama.url), "LLM_PROVIDER": "openai", "LLM_MODEL": "gpt-4.1-mini"}
    settings |= {"LLM_BASE_URL": openai.url, "EMBEDDER_PROVIDER": "openai-compatible"}
    with served(fresh, data, **settings) as client:
        use(client, fresh, 768)
    assert {call["path"] for call in openai.seen()} == {"/v1/chat/completions"}
    assert {(call["path"], call["sentKey"]) for call in ollama.seen()} == {("/v1/embeddings", False)}


@pytest.mark.long
def test_an_embedder_of_openai_and_the_embedded_chat_model(fresh: Stores, data: Path, openai: Fake) -> None:
    settings = of_openai(openai.url, LLM_PROVIDER="embedded", LLM_MODEL="mem0-rules")
    settings["LLM_BASE_URL"] = f"http://127.0.0.1:{fresh.ports['model']}/v1"
    with served(fresh, data, **settings) as client:
        use(client, fresh, 1536)
    assert {call["path"] for call in openai.seen()} == {"/v1/embeddings"}


@pytest.mark.parametrize(
    ("wrong", "part", "status"),
    [
        pytest.param({"key": "sk-another"}, "model", "401", id="key"),
        pytest.param({"EMBEDDER_MODEL": "text-embedding-4"}, "model", "404", id="embedder", marks=pytest.mark.long),
        pytest.param({"EMBEDDER_DIMENSIONS": "2000"}, "model", "400", id="dimensions", marks=pytest.mark.long),
        pytest.param({"LLM_MODEL": "gpt-4.1-mimi"}, "chat", "404", id="chat model"),
        pytest.param(
            {"LLM_MODEL": "text-embedding-3-small"}, "chat", "404", id="embedder as chat", marks=pytest.mark.long
        ),
    ],
)
def test_what_is_declared_wrongly_is_found_before_anything_is_told(
    fresh: Stores, data: Path, openai: Fake, wrong: dict[str, str], part: str, status: str
) -> None:
    reason = f"The model answered with HTTP status {status}."
    (data / "openai").write_text(wrong.get("key", KEY))
    settings = of_openai(openai.url, OPENAI_API_KEY_FILE=str(data / "openai"))
    settings |= {name: value for name, value in wrong.items() if name != "key"}
    with running(Server(fresh, data, extra=settings), ready=False) as client:
        eventually(reason, lambda: client.get("/ready").json()["checks"][part].get("reason") == reason)
        assert client.get("/ready").status_code == 503
        refused = client.post("/memories", json={"messages": "I keep bees on the roof.", "user_id": "alice"})
        assert refused.status_code in {502, 503}
        assert refused.json()["type"].startswith("urn:mem0:problem:")
        assert KEY not in refused.text
        assert fresh.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'memories'") in ([(0,)], [(1,)])
        assert fresh.cypher("MATCH (n:__Entity__) RETURN count(n)") == [[0]]


@pytest.mark.long
def test_a_key_that_is_withdrawn_fails_the_add_and_stores_nothing(fresh: Stores, data: Path, ollama: Fake) -> None:
    with fake(fresh, "openai", KEY) as first:
        settings = of_openai(first.url)
        with served(fresh, data, **settings) as client:
            client.post("/memories", json={"messages": "I keep bees.", "user_id": "alice"}).raise_for_status()
    with fake(fresh, "openai", "sk-the-new-one") as second:
        settings = of_openai(second.url, OPENAI_API_KEY_FILE=str(data / "openai"))
        with running(Server(fresh, data, extra=settings), ready=False) as client:
            eventually("the stores are there", lambda: not client.get("/ready").json().get("waiting_for"))
            refused = client.post("/memories", json={"messages": "I play chess with Bob.", "user_id": "alice"})
            assert refused.status_code == 502
            assert refused.json()["failed"] == "model"
            assert client.get("/memories", params={"user_id": "alice"}).json()["total"] == 1
