from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from memory_server import model_client
from memory_server.metrics import Metrics
from memory_server.model_client import BATCH, ModelClient, ModelError, TextTooLong
from memory_server.recent_vectors import MAX_LENGTH, RecentVectors


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_client, "RETRY_PAUSE_S", 0)


def client(settings: Any, answer: Callable[[httpx.Request], httpx.Response]) -> ModelClient:
    return ModelClient(settings, Metrics(), httpx.MockTransport(answer))


def embeddings(request: httpx.Request, dimensions: int = 384) -> httpx.Response:
    texts = json.loads(request.content)["input"]
    rows = [{"index": n, "embedding": [float(len(text))] * dimensions} for n, text in enumerate(texts)]
    return httpx.Response(200, json={"data": rows[::-1]})


async def test_vectors_come_back_in_the_order_of_the_texts_and_in_batches(settings: Any) -> None:
    sizes: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append(len(json.loads(request.content)["input"]))
        return embeddings(request)

    texts = ["x" * (1 + n % 90) for n in range(BATCH + 10)]
    vectors = await client(settings(), answer).embed(texts)
    assert [vector[0] for vector in vectors] == [float(len(text)) for text in texts]
    assert sizes == [BATCH, 10]


async def test_a_text_is_embedded_once_and_again_where_the_model_itself_is_asked(settings: Any) -> None:
    asked: list[list[str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["input"])
        return embeddings(request)

    made = client(settings(), answer)
    assert await made.embed(["me", "bob!", "me"]) == [[2.0] * 384, [4.0] * 384, [2.0] * 384]
    assert await made.embed(["bob!", "anna.."]) == [[4.0] * 384, [6.0] * 384]
    await made.embed(["me"], fresh=True)
    assert asked == [["me", "bob!"], ["anna.."], ["me"]]


@pytest.mark.parametrize(
    ("embedding", "words"),
    [
        ([0.0] * 384, "nothing but zeros"),
        ([1e-30] * 384, "nothing but zeros"),
        ([1e30] * 384, "too large, or none"),
        ([10**400] * 384, "too large, or none"),
        ([None, *[1.0] * 383], "too large, or none"),
        (["1.0"] * 384, "too large, or none"),
        ([True] * 384, "too large, or none"),
        ("x" * 384, "something else"),
        (None, "something else"),
    ],
)
async def test_a_vector_that_nothing_can_be_found_by_is_the_models_failure(
    settings: Any, embedding: Any, words: str
) -> None:
    answer = httpx.Response(200, json={"data": [{"index": 0, "embedding": embedding}]})
    with pytest.raises(ModelError, match=words):
        await client(settings(), lambda _: answer).embed(["x"])


async def test_a_failure_is_not_remembered(settings: Any) -> None:
    answers = [httpx.Response(400), None]

    def answer(request: httpx.Request) -> httpx.Response:
        return answers.pop(0) or embeddings(request)

    made = client(settings(), answer)
    with pytest.raises(ModelError):
        await made.embed(["me"])
    assert await made.embed(["me"]) == [[2.0] * 384]


def test_the_vector_not_asked_for_the_longest_is_forgotten_first() -> None:
    recent = RecentVectors(2)
    recent.keep("a", [1.0])
    recent.keep("b", [2.0])
    assert recent.get("a") == [1.0]
    recent.keep("c", [3.0])
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == ([1.0], None, [3.0])
    recent.keep("x" * (MAX_LENGTH + 1), [4.0])
    assert recent.get("x" * (MAX_LENGTH + 1)) is None


async def test_line_breaks_are_embedded_as_upstream_does(settings: Any) -> None:
    asked: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return embeddings(request)

    await client(settings(), answer).embed(["two\nlines"])
    assert asked[0]["input"] == ["two lines"]
    assert "dimensions" not in asked[0]


async def test_only_openai_is_told_the_dimensions_and_the_key(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "openai").write_text("sk-test")
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return embeddings(request, 1536)

    given = settings(
        MODEL_PROVIDER="openai",
        LLM_MODEL="gpt-4.1-nano",
        EMBEDDER_MODEL="text-embedding-3-small",
        EMBEDDER_DIMENSIONS="1536",
        OPENAI_API_KEY_FILE=str(tmp_path / "openai"),
    )
    await client(given, answer).embed(["x"])
    assert json.loads(asked[0].content)["dimensions"] == 1536
    assert asked[0].headers["authorization"] == "Bearer sk-test"


@pytest.mark.parametrize(
    ("llm", "embedder", "sent"),
    [
        ("openai", "embedded", ("Bearer sk-test", None)),
        ("embedded", "openai", (None, "Bearer sk-test")),
        ("openai", "openai-compatible", ("Bearer sk-test", None)),
        ("openai-compatible", "openai-compatible", ("Bearer sk-test", "Bearer sk-test")),
    ],
)
async def test_the_key_goes_only_to_whom_it_belongs(
    settings: Any, tmp_path: Path, llm: str, embedder: str, sent: tuple[str | None, str | None]
) -> None:
    (tmp_path / "openai").write_text("sk-test")
    asked: dict[str, str | None] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        asked[request.url.path.rsplit("/", 1)[-1]] = request.headers.get("authorization")
        chat = {"choices": [{"message": {"content": "hello"}}]}
        return embeddings(request) if "input" in json.loads(request.content) else httpx.Response(200, json=chat)

    given = settings(
        LLM_PROVIDER=llm,
        LLM_MODEL="chat",
        LLM_BASE_URL="http://llm/v1",
        EMBEDDER_PROVIDER=embedder,
        EMBEDDER_MODEL="words",
        EMBEDDER_BASE_URL="http://embedder/v1",
        OPENAI_API_KEY_FILE=str(tmp_path / "openai"),
    )
    made = client(given, answer)
    await made.embed(["x"])
    await made.text_reply([{"role": "user", "content": "hi"}])
    assert (asked["completions"], asked["embeddings"]) == sent


async def test_wrong_dimensions_name_the_setting(settings: Any) -> None:
    with pytest.raises(ModelError, match="answered with 3 dimensions, EMBEDDER_DIMENSIONS says 384"):
        await client(settings(), lambda request: embeddings(request, 3)).embed(["x"])


async def test_an_overloaded_model_is_asked_once_more(settings: Any) -> None:
    answers = [httpx.Response(503), None]

    def answer(request: httpx.Request) -> httpx.Response:
        return answers.pop(0) or embeddings(request)

    assert len(await client(settings(), answer).embed(["x"])) == 1


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx.Response(401, text="bad key sk-secret"), "HTTP status 401"),
        (httpx.Response(503), "HTTP status 503"),
        (httpx.Response(200, text="<html>"), "not JSON"),
        (httpx.Response(200, json=[]), "not a JSON object"),
        (httpx.Response(200, json={"data": "x"}), "something else"),
        (httpx.Response(200, json={"data": []}), "1 texts with 0 embeddings"),
    ],
)
async def test_every_failure_says_what_happened(settings: Any, response: httpx.Response, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        await client(settings(), lambda _: response).embed(["x"])
    assert "sk-secret" not in str(caught.value)


async def test_a_model_that_is_not_there_is_told_as_such(settings: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(ModelError, match="cannot be reached"):
        await client(settings(), answer).embed(["x"])


async def test_a_model_that_hangs_is_given_up(settings: Any) -> None:
    import asyncio  # noqa: PLC0415

    class Hangs(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    given = ModelClient(settings(MODEL_TIMEOUT_S="0.05"), Metrics(), Hangs())
    with pytest.raises(ModelError, match=r"within 0\.05 s"):
        await given.json_reply([])


async def test_reasoning_models_get_no_temperature(settings: Any) -> None:
    asked: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200, json={"choices": [{"message": {"content": "{}"}}]})

    for name in ("gpt-4.1-nano", "gpt-5-mini"):
        await client(settings(LLM_MODEL=name), answer).json_reply([{"role": "user", "content": "x"}])
    assert asked[0]["temperature"] == 0.2
    assert "temperature" not in asked[1]


@pytest.mark.parametrize("arguments", ["not json", None])
async def test_tool_calls_that_cannot_be_read_are_an_error(settings: Any, arguments: Any) -> None:
    call = {"function": {"name": "extract_entities", "arguments": arguments}}
    reply = httpx.Response(200, json={"choices": [{"message": {"tool_calls": [call]}}]})
    with pytest.raises(ModelError):
        await client(settings(), lambda _: reply).tool_calls([], [])


@pytest.mark.parametrize(
    "error",
    [
        {"code": "context_length_exceeded", "message": "'input[0]' has 9000 tokens."},
        {"code": None, "message": "This model's maximum context length is 8192 tokens."},
    ],
)
async def test_a_text_that_is_too_long_is_a_mistake_of_the_request(settings: Any, error: dict[str, Any]) -> None:
    made = client(settings(), lambda _: httpx.Response(400, json={"error": error}))
    with pytest.raises(TextTooLong) as raised:
        await made.embed(["word " * 9000])
    assert (raised.value.problem().status, raised.value.problem().kind) == (413, "text-too-long")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": "no"}', b'{"error": {"message": "Unknown model."}}'])
async def test_any_other_refusal_is_a_failure_of_the_model(settings: Any, body: bytes) -> None:
    made = client(settings(), lambda _: httpx.Response(400, content=body))
    with pytest.raises(ModelError, match="HTTP status 400") as raised:
        await made.embed(["x"])
    assert raised.value.problem().status == 502


@pytest.mark.parametrize(
    ("model", "sent"), [("text-embedding-3-small", 384), ("text-embedding-ada-002", None)], ids=["chosen", "fixed"]
)
async def test_dimensions_are_sent_to_a_model_of_openai_that_takes_them(
    settings: Any, tmp_path: Path, model: str, sent: int | None
) -> None:
    bodies: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return embeddings(request)

    (tmp_path / "key").write_text("sk-test")
    given = settings(
        model_provider="openai", llm_model="gpt-4.1-mini", embedder_model=model, openai_api_key_file=tmp_path / "key"
    )
    await client(given, answer).embed(["x"])
    assert [body.get("dimensions") for body in bodies] == [sent]
