from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from memory_server.schemas import MemoryCreate, SearchRequest


@pytest.mark.parametrize(
    "messages",
    ["I keep bees.", {"role": "user", "content": "I keep bees."}, [{"role": "user", "content": "I keep bees."}]],
)
def test_messages_may_be_a_text_one_message_or_a_conversation(messages: Any) -> None:
    body = MemoryCreate.model_validate({"messages": messages, "user_id": "alice"})
    assert [(m.role, m.content) for m in body.messages] == [("user", "I keep bees.")]


def test_what_a_tool_says_is_taken_and_silence_left_out() -> None:
    silent = {"role": "assistant", "content": ""}
    said = [{"role": "user", "content": "What do I keep?"}, {"role": "tool", "content": "bees"}]
    body = MemoryCreate.model_validate({"messages": [said[0], silent, said[1]], "user_id": "alice"})
    assert [(m.role, m.content) for m in body.messages] == [(m["role"], m["content"]) for m in said]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": []},
        {"messages": ""},
        {"messages": "  "},
        {"messages": "nul \x00"},
        {"messages": "half \ud800"},
        {"messages": [{"role": "", "content": "x"}]},
        {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": " "}]},
        {"messages": "x", "user_id": "nul\x00"},
        {"messages": "x", "metadata": {"a": math.nan}},
        {"messages": "x", "metadata": {"a": [{"b": "\x00"}]}},
        {"messages": "x", "metadata": {"created_at": "yesterday"}},
        {"messages": "x" * 100_001},
    ],
)
def test_what_the_stores_cannot_keep_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MemoryCreate.model_validate({"user_id": "alice"} | body)


def test_bottomless_metadata_is_refused() -> None:
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    with pytest.raises(ValidationError, match="deep"):
        MemoryCreate.model_validate({"messages": "x", "metadata": {"a": deep}})


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 1001}, {"threshold": 2}, {"query": ""}])
def test_search_bounds(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SearchRequest.model_validate({"query": "x", "user_id": "alice"} | wrong)
