"""The HTTP service: OpenAI's API for embeddings and chat, models, health and metrics."""

import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from mem0_model import CHAT_MODEL, DIMENSIONS, EMBEDDING_MODEL
from mem0_model.body_limit import BodyLimit
from mem0_model.embedder import Embedder
from mem0_model.errors import ApiError, model_not_found
from mem0_model.metrics import Metrics
from mem0_model.pool import Pool
from mem0_model.replies import Reply, answer
from mem0_model.schemas import ChatRequest, EmbeddingRequest
from mem0_model.settings import Settings
from mem0_model.steps import recognise

#: OpenAI's own bounds for one request.
MAX_BATCH = 2048
MAX_TOKENS = 8192
#: These two bound the time of one request to about a minute of one core.
MAX_TOKENS_TOGETHER = 32_768
MAX_PROMPT = 400_000  # characters
#: Seconds; no job that the limits above allow takes as long, even on a slow machine.
STUCK = 600

log = logging.getLogger(__name__)


def create_app(settings: Settings, make_embedder: Callable[[], Embedder]) -> FastAPI:
    """Return the service. The embedder is made, and tried once, when the service starts."""
    pool = Pool(settings.workers, settings.queue)
    metrics = Metrics(lambda: pool.pending)
    engine: dict[str, Embedder] = {}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        engine["embedder"] = make_embedder()
        engine["embedder"].embed(["ready"])
        answer(recognise("", "Input:\nuser: I am ready. Ich bin bereit.", frozenset(), True))
        yield
        pool.close()

    app = FastAPI(title="mem0 embedded model", version="1", lifespan=lifespan)
    app.add_middleware(BodyLimit, limit=settings.max_body)
    app.middleware("http")(metrics.observe)
    _add_error_handlers(app)

    @app.post("/v1/embeddings")
    async def embeddings(request: EmbeddingRequest) -> Response:
        texts = checked_texts(request)
        body = await pool.run(embedding_reply, engine["embedder"], texts, request.encoding_format)
        metrics.texts.inc(len(texts))
        return Response(body, media_type="application/json")

    @app.post("/v1/chat/completions")
    async def chat(request: ChatRequest) -> dict[str, Any]:
        step = recognise(*checked_chat(request))
        reply = await pool.run(answer, step)
        metrics.steps.labels(step=type(step).__name__.removesuffix("Step").lower()).inc()
        return chat_reply(request, reply)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [model_entry(EMBEDDING_MODEL), model_entry(CHAT_MODEL)]}

    @app.get("/v1/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        if name not in (EMBEDDING_MODEL, CHAT_MODEL):
            raise model_not_found(name, f"{EMBEDDING_MODEL}' and '{CHAT_MODEL}")
        return model_entry(name)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        if pool.longest > STUCK:
            raise ApiError(503, "A worker has hung for minutes.", kind="server_error")
        if not pool.busy:  # busy workers are alive, and must not be kept from their work
            await pool.run(engine["embedder"].embed, ["health"])
        return {"status": "ok", "embedding_model": EMBEDDING_MODEL, "dimensions": DIMENSIONS}

    @app.get("/metrics")
    async def metrics_page() -> Response:
        return Response(metrics.page(), media_type=metrics.media_type)

    return app


def checked_texts(request: EmbeddingRequest) -> list[str]:
    """Return the texts to embed, or raise `ApiError` for a request that cannot be served."""
    if request.model != EMBEDDING_MODEL:
        raise model_not_found(request.model, EMBEDDING_MODEL)
    if request.dimensions not in (None, DIMENSIONS):
        raise ApiError(
            400, f"This model has {DIMENSIONS} dimensions; leave the field out.", param="dimensions"
        )
    texts = [request.input] if isinstance(request.input, str) else request.input
    if not texts or len(texts) > MAX_BATCH:
        raise ApiError(400, f"'input' must hold 1 to {MAX_BATCH} texts.", param="input")
    checked: list[str] = []
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ApiError(
                400,
                "'input' must be text: this model has its own tokens, not OpenAI's. "
                "In LangChain set check_embedding_ctx_length=False.",
                param="input",
            )
        if not text:
            raise ApiError(400, f"'input[{index}]' is an empty string.", param="input")
        checked.append(text)
    return checked


def embedding_reply(embedder: Embedder, texts: list[str], encoding: str) -> bytes:
    """Return the JSON body of an embeddings reply (runs in a worker: large batches take time)."""
    counts = [embedder.count_tokens(text) for text in texts]
    for index, count in enumerate(counts):
        if count > MAX_TOKENS:
            raise ApiError(
                400,
                f"'input[{index}]' has {count} tokens; at most {MAX_TOKENS} are taken.",
                param="input",
                code="context_length_exceeded",
            )
    total = sum(counts)
    if total > MAX_TOKENS_TOGETHER:
        raise ApiError(
            400,
            f"'input' has {total} tokens together; at most {MAX_TOKENS_TOGETHER} are taken.",
            param="input",
            code="context_length_exceeded",
        )
    vectors = embedder.embed(texts)
    if encoding == "base64":
        encoded: list[Any] = [
            base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii") for vector in vectors
        ]
    else:
        encoded = vectors.tolist()
    return json.dumps(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": value}
                for index, value in enumerate(encoded)
            ],
            "model": EMBEDDING_MODEL,
            "usage": {"prompt_tokens": total, "total_tokens": total},
        },
        allow_nan=False,
    ).encode()


def checked_chat(request: ChatRequest) -> tuple[str, str, frozenset[str], bool]:
    """Return what `steps.recognise` takes, or raise `ApiError`."""
    if request.model != CHAT_MODEL:
        raise model_not_found(request.model, CHAT_MODEL)
    if request.stream:
        raise ApiError(400, "Streaming is not supported by this model.", param="stream")
    if request.n not in (None, 1):
        raise ApiError(400, "This model gives one choice.", param="n")
    last = {"system": "", "user": ""}
    for message in request.messages:
        role = "system" if message.role == "developer" else message.role
        if role in last:
            last[role] = message.text
    if sum(map(len, last.values())) > MAX_PROMPT:
        raise ApiError(
            400,
            f"The prompt is longer than {MAX_PROMPT} characters.",
            param="messages",
            code="context_length_exceeded",
        )
    tools = frozenset(tool.function.name for tool in request.tools or [])
    if request.tool_choice == "none":
        tools = frozenset()
    wants_json = request.response_format is not None and request.response_format.type != "text"
    return last["system"], last["user"], tools, wants_json


def chat_reply(request: ChatRequest, reply: Reply) -> dict[str, Any]:
    """Return the body of a chat completion.

    Usage is counted in words of the text: rules have no tokens.
    """
    prompt = sum(len(message.text.split()) for message in request.messages)
    written = [reply.content or "", *(call.arguments for call in reply.tool_calls)]
    completion = sum(len(text.split()) for text in written)
    message: dict[str, Any] = {"role": "assistant", "content": reply.content, "refusal": None}
    if reply.tool_calls:
        message["tool_calls"] = [
            {
                "id": f"call_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for index, call in enumerate(reply.tool_calls)
        ]
    created = time.time_ns()
    return {
        "id": f"chatcmpl-{created:x}",
        "object": "chat.completion",
        "created": created // 1_000_000_000,
        "model": CHAT_MODEL,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": "tool_calls" if reply.tool_calls else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        },
    }


def model_entry(name: str) -> dict[str, Any]:
    """Return one entry of the list of models."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "mem0"}


def error_response(error: ApiError) -> Response:
    """Return `error` as an HTTP response."""
    return Response(
        json.dumps(error.body()),
        error.status,
        headers=error.headers(),
        media_type="application/json",
    )


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> Response:
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        mistakes = error.errors()
        where = ".".join(str(part) for part in mistakes[0]["loc"] if part != "body")
        text = str(mistakes[0]["msg"])
        return error_response(
            ApiError(400, f"{where}: {text}" if where else text, param=where or None)
        )

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        text = f"{error.detail} ({request.method} {request.url.path})"
        return error_response(ApiError(error.status_code, text))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return error_response(
            ApiError(500, "The model failed; its log tells why.", kind="server_error")
        )
