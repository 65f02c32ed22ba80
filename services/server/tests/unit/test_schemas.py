from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from memory_server.schemas import MAX_METADATA_BYTES, MemoryCreate, MemoryUpdate, SearchRequest


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


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"actor_id": ["a"]}, "actor_id must be a text"),
        ({"actor_id": None}, "actor_id must be a text"),
        ({"role": 7}, "role must be a text"),
        ({"role": "r" * 257}, "role must be a text"),
        ({"id": "1", "hash": "h"}, "must not contain hash, id"),
        ({"data": "another text"}, "must not contain data"),
        ({"updated_at": "2024-01-01"}, "must not contain updated_at"),
        ({"user_id": "other"}, "not the request's own user_id"),
        ({"agent_id": "wider"}, "not the request's own agent_id"),
        ({"user_id": None}, "not the request's own user_id"),
        ({"created_at": "yesterday"}, "created_at must be an ISO 8601"),
        ({"created_at": "9999-12-31T23:59:59-07:00"}, "created_at must be an ISO 8601"),
        ({"created_at": None}, "created_at must be an ISO 8601"),
        ({"note": "x" * MAX_METADATA_BYTES}, "must not be larger"),
    ],
)
def test_metadata_that_could_not_be_kept_as_it_is_is_refused(metadata: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        MemoryCreate.model_validate({"messages": "x", "user_id": "alice", "metadata": metadata})


def test_metadata_may_say_again_whose_it_is_and_who_said_it() -> None:
    metadata = {"user_id": "alice", "actor_id": "bob", "role": "user", "created_at": "2025-07-24T20:00:00-07:00"}
    body = MemoryCreate.model_validate({"messages": "x", "user_id": "alice", "metadata": metadata})
    kept = {"actor_id": "bob", "role": "user", "created_at": "2025-07-25T03:00:00.000000+00:00"}
    assert body.metadata == kept


@pytest.mark.parametrize(
    ("message", "metadata"),
    [({}, {"role": "system"}), ({"name": "bob"}, {"actor_id": "carol"})],
)
def test_word_for_word_the_speaker_is_said_once(message: dict[str, str], metadata: dict[str, str]) -> None:
    said = {"messages": [{"role": "user", "content": "x", **message}], "user_id": "alice", "infer": False}
    with pytest.raises(ValidationError, match="with infer=false"):
        MemoryCreate.model_validate({**said, "metadata": metadata})


@pytest.mark.parametrize("name", ["user_id", "agent_id", "run_id", "created_at", "updated_at", "id", "hash", "data"])
@pytest.mark.parametrize("value", ["other", None, 7])
def test_an_update_changes_neither_owner_nor_identity(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        MemoryUpdate.model_validate({"text": "x", "metadata": {name: value}})


@pytest.mark.parametrize("value", [math.nan, math.inf, "\x00", "\ud800", {"eq": [{"a": "\x00"}]}])
def test_a_filter_that_the_stores_cannot_take_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="filters"):
        SearchRequest.model_validate({"query": "x", "user_id": "alice", "filters": {"key": value}})
