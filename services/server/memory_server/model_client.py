"""The OpenAI-compatible model: embeddings in batches, chat with JSON or tool replies, bounded and checked."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

import httpx
from mem0.memory.utils import extract_json
from pydantic import SecretStr

from memory_server import vectors
from memory_server.domain import Vector
from memory_server.errors import Problem, model_failed, text_too_long
from memory_server.metrics import Metrics
from memory_server.recent_vectors import RecentVectors
from memory_server.settings import Settings

BATCH = 64
"""Texts per embeddings request: OpenAI takes 2,048, small local servers far fewer."""
RETRY_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504})
RETRY_PAUSE_S = 0.5
REASONING_MODELS = ("o1", "o3", "o4", "gpt-5")
"""Model name prefixes whose API refuses `temperature`."""
FIXED_DIMENSIONS = frozenset({"text-embedding-ada-002"})
"""Of OpenAI's embedding models those that refuse `dimensions`."""


class ModelError(Exception):
    """The model did not answer, or not usably. The message completes `The model ...` and quotes no text."""

    def problem(self) -> Problem:
        """What a client is told."""
        return model_failed(str(self))


class TextTooLong(ModelError):
    """The text has more tokens than the model takes; to ask again is in vain."""

    def problem(self) -> Problem:
        """What a client is told: the mistake is in the request."""
        return text_too_long(str(self))


@dataclass(frozen=True)
class ToolCall:
    """One function the model wants called."""

    name: str
    arguments: dict[str, Any]


class ModelClient:
    """Speaks to the chat and the embedding endpoint, which may be two servers."""

    def __init__(self, settings: Settings, metrics: Metrics, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._metrics = metrics
        self._headers = {"embed": _headers(settings.embedder_key), "chat": _headers(settings.llm_key)}
        self._recent = RecentVectors()
        self._chat_answered_at: float | None = None
        timeout = httpx.Timeout(settings.model_timeout_s, connect=min(5.0, settings.model_timeout_s))
        # trust_env off: a proxy of the host must not see what goes to a container beside this one.
        self._http = httpx.AsyncClient(
            timeout=timeout,
            transport=transport,
            trust_env=False,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def embed(self, texts: list[str], *, fresh: bool = False) -> list[Vector]:
        """Vectors of `texts` in their order, one per text. Raises ModelError.

        A text embedded a short while ago is not sent again, unless `fresh` asks whether the model answers.
        """
        known: dict[str, Vector] = {}
        for text in texts:
            if not fresh and (vector := self._recent.get(text)):
                known[text] = vector
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            for text, vector in zip(batch, await self._embed_batch(batch), strict=True):
                known[text] = vector
                self._recent.keep(text, vector)
        return [known[text] for text in texts]

    async def _embed_batch(self, texts: list[str]) -> list[Vector]:
        body: dict[str, Any] = {
            "model": self._settings.embedder_model,
            # Upstream embeds a text without its line breaks: the same text must give the same vector.
            "input": [text.replace("\n", " ") for text in texts],
            "encoding_format": "float",
        }
        if self._settings.embedder_is_openai and self._settings.embedder_model not in FIXED_DIMENSIONS:
            body["dimensions"] = self._settings.embedder_dimensions
        reply = await self._post("embed", f"{self._settings.embedder_url}/embeddings", body)
        try:
            rows = sorted(reply["data"], key=lambda row: int(row["index"]))
            found = [row["embedding"] for row in rows]
        except (KeyError, TypeError, ValueError):
            raise ModelError("answered an embeddings request with something else") from None
        if len(found) != len(texts):
            raise ModelError(f"answered {len(texts)} texts with {len(found)} embeddings")
        wanted = self._settings.embedder_dimensions
        for vector in found:
            if not isinstance(vector, list):
                raise ModelError("answered an embeddings request with something else")
            if len(vector) != wanted:
                raise ModelError(
                    f"{self._settings.embedder_model} answered with {len(vector)} dimensions, "
                    f"EMBEDDER_DIMENSIONS says {wanted}"
                )
            if mistake := vectors.mistake(vector, wanted):
                raise ModelError(f"{self._settings.embedder_model} answered with a vector that {mistake}")
        return found

    def chat_answered_within(self, seconds: float) -> bool:
        """Whether the last chat request was answered, and that no longer ago."""
        return self._chat_answered_at is not None and time.monotonic() - self._chat_answered_at < seconds

    async def json_reply(self, messages: list[dict[str, str]]) -> str:
        """The content of a chat reply that was asked to be a JSON object. Raises ModelError."""
        message = await self._chat(messages, {"response_format": {"type": "json_object"}})
        return str(message.get("content") or "")

    async def text_reply(self, messages: list[dict[str, str]]) -> str:
        """The content of a plain chat reply. Raises ModelError."""
        message = await self._chat(messages, {})
        return str(message.get("content") or "")

    async def tool_calls(self, messages: list[dict[str, str]], tools: list[dict[str, Any]]) -> list[ToolCall]:
        """The calls the model makes of `tools`; none is an answer too. Raises ModelError."""
        message = await self._chat(messages, {"tools": tools, "tool_choice": "auto"})
        calls = []
        asked = message.get("tool_calls") or []
        if not isinstance(asked, list):
            raise ModelError("answered with tool calls that are not a list")
        for call in asked:
            try:
                arguments = json.loads(extract_json(call["function"]["arguments"]))
                name = call["function"]["name"]
            except (AttributeError, KeyError, TypeError, ValueError):
                raise ModelError("answered with a tool call that cannot be read") from None
            if isinstance(arguments, dict):
                calls.append(ToolCall(str(name), arguments))
        return calls

    async def _chat(self, messages: list[dict[str, str]], options: dict[str, Any]) -> dict[str, Any]:
        body = {"model": self._settings.llm_model, "messages": messages, **options}
        if not self._settings.llm_model.lower().startswith(REASONING_MODELS):
            body["temperature"] = self._settings.llm_temperature
        try:
            reply = await self._post("chat", f"{self._settings.llm_url}/chat/completions", body)
            message = _message(reply)
        except ModelError:
            self._chat_answered_at = None
            raise
        self._chat_answered_at = time.monotonic()
        return message

    async def _post(self, op: Literal["embed", "chat"], url: str, body: dict[str, Any]) -> dict[str, Any]:
        with self._metrics.call("model", op):
            try:
                async with asyncio.timeout(self._settings.model_timeout_s):
                    return await self._post_twice(url, body, self._headers[op])
            except TimeoutError:
                raise ModelError(f"did not answer within {self._settings.model_timeout_s:g} s") from None

    async def _post_twice(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        """One repeat after a failure that may pass: a connection refused at once, an overloaded server."""
        for last in (False, True):
            try:
                response = await self._http.post(url, json=body, headers=headers)
            except httpx.TimeoutException:
                raise TimeoutError from None
            except httpx.HTTPError as error:
                if last:
                    raise ModelError(f"cannot be reached ({type(error).__name__})") from None
            else:
                if response.is_success:
                    return _object(response)
                if _is_too_long(response):
                    raise TextTooLong("takes no text as long as this")
                if last or response.status_code not in RETRY_STATUS:
                    raise ModelError(f"answered with HTTP status {response.status_code}")
            await asyncio.sleep(RETRY_PAUSE_S)
        raise AssertionError


def _headers(key: SecretStr | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}


def _is_too_long(response: httpx.Response) -> bool:
    """OpenAI has a code for it where a chat is too long, and only words where a text to embed is."""
    if response.status_code != HTTPStatus.BAD_REQUEST:
        return False
    try:
        error = response.json()["error"]
        return error.get("code") == "context_length_exceeded" or "maximum context length" in error.get("message", "")
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _message(reply: dict[str, Any]) -> dict[str, Any]:
    try:
        message = reply["choices"][0]["message"]
    except (KeyError, IndexError, TypeError):
        message = None
    if not isinstance(message, dict):
        raise ModelError("answered a chat request with something else")
    return message


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        raise ModelError("answered with something that is not JSON") from None
    if not isinstance(value, dict):
        raise ModelError("answered with something that is not a JSON object")
    return value
