from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from memory_server import model_client
from memory_server.chat_check import FRESH_S, ChatCheck
from memory_server.metrics import Metrics
from memory_server.model_client import ModelClient, ModelError

GOOD = {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": []}}]}


class Chat:
    """A chat model that answers what it is told to, when it is told to."""

    def __init__(self, settings: Any) -> None:
        self.status = 200
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.client = ModelClient(settings(), Metrics(), httpx.MockTransport(self._answer))
        self.check = ChatCheck(self.client)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content)["tools"][0]["function"]["name"])
        await self.may_answer.wait()
        return httpx.Response(self.status, json=GOOD)


@pytest.fixture
def chat(settings: Any) -> Chat:
    return Chat(settings)


async def test_a_model_that_has_answered_is_not_asked_again_for_an_hour(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(model_client, "time", SimpleNamespace(monotonic=lambda: now))
    await chat.check.ask()
    now += FRESH_S - 1
    await chat.check.ask()
    assert chat.asked == ["extract_entities"]
    now += 1
    await chat.check.ask()
    assert len(chat.asked) == 2


async def test_a_failure_is_told_and_asked_about_until_it_has_passed(chat: Chat) -> None:
    chat.status = 404
    for _ in range(2):
        with pytest.raises(ModelError, match="404"):
            await chat.check.ask()
    chat.status = 200
    await chat.check.ask()
    await chat.check.ask()
    assert len(chat.asked) == 3


async def test_an_add_that_the_model_failed_makes_the_next_check_ask(chat: Chat) -> None:
    await chat.check.ask()
    chat.status = 401
    with pytest.raises(ModelError):
        await chat.client.tool_calls([], [{"type": "function", "function": {"name": "of an add"}}])
    with pytest.raises(ModelError, match="401"):
        await chat.check.ask()


async def test_whoever_leaves_early_does_not_stop_the_question(chat: Chat) -> None:
    chat.may_answer.clear()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await chat.check.ask()
    chat.may_answer.set()
    await chat.check.ask()
    assert len(chat.asked) == 1
