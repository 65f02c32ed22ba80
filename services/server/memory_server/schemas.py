"""What clients send: upstream's bodies, checked."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from memory_server.domain import Scope
from memory_server.errors import no_identifier

MAX_TEXT = 100_000
MAX_DEPTH = 16


def clean_text(text: str) -> str:
    """Refuse what Postgres cannot store."""
    if "\x00" in text:
        raise ValueError("must not contain the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode (it has half a surrogate pair)") from None
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def clean_json(value: Any, depth: int = 0) -> Any:
    """Refuse what jsonb cannot store: U+0000, NaN, infinities, bottomless nesting."""
    if depth > MAX_DEPTH:
        raise ValueError(f"must not be nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        clean_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must not contain NaN or infinite numbers")
    elif isinstance(value, dict):
        for key, item in value.items():
            clean_text(key)
            clean_json(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            clean_json(item, depth + 1)
    return value


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    clean_json(value)
    stamp = value.get("created_at")
    if stamp is not None:
        try:
            datetime.fromisoformat(stamp)
        except (TypeError, ValueError):
            raise ValueError("created_at must be an ISO 8601 timestamp") from None
    return value


def _not_silent(messages: list[Message]) -> list[Message]:
    """Without the messages that say nothing, as those that only call a tool do."""
    said = [message for message in messages if message.content.strip()]
    if not said:
        raise ValueError("must not all be empty")
    return said


def _as_messages(value: Any) -> Any:
    """Upstream's library also takes one text or one message."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    return [value] if isinstance(value, dict) else value


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(clean_text), AfterValidator(_not_blank)]
Content = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(clean_text)]
Role = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(clean_text)]
Id = Annotated[str, Field(max_length=256), AfterValidator(clean_text)]
Metadata = Annotated[dict[str, Any], AfterValidator(_metadata)]


class Message(BaseModel):
    """One message of a conversation."""

    role: Role = Field(description="Who said it: user, assistant, system or, as in upstream, any other.")
    content: Content = Field(description="What was said; in one message of several it may be nothing.")
    name: Id | None = Field(None, description="Name of the speaker, kept as actor_id with infer=false.")


class WhoseMemories(BaseModel):
    """At least one of the three."""

    user_id: Id | None = Field(None, examples=["alice"])
    agent_id: Id | None = None
    run_id: Id | None = None

    def scope(self) -> Scope:
        """The scope of the request. Raises Problem 400."""
        return make_scope(self.user_id, self.agent_id, self.run_id)


class MemoryCreate(WhoseMemories):
    """Upstream's body of an add."""

    messages: Annotated[
        list[Message], BeforeValidator(_as_messages), Field(min_length=1, max_length=500), AfterValidator(_not_silent)
    ] = Field(
        description="A conversation, one message, or a plain text.",
        examples=[[{"role": "user", "content": "I keep bees on the roof."}]],
    )
    metadata: Metadata | None = Field(None, description="Kept with each memory; searches can filter by it.")
    infer: bool | None = Field(None, description="false: keep each message as it is, without asking the model.")
    memory_type: str | None = Field(None, description="Only `procedural_memory`, which also needs agent_id.")
    prompt: Text | None = Field(None, description="Own prompt for a procedural memory.")


class MemoryUpdate(BaseModel):
    """Upstream's body of an update."""

    text: Text = Field(description="The new text.", examples=["I keep bees in the garden."])
    metadata: Metadata | None = Field(None, description="Members to set; others stay.")


class SearchRequest(WhoseMemories):
    """Upstream's body of a search."""

    query: Text = Field(examples=["Which animals do I have?"])
    filters: dict[str, Any] | None = Field(
        None, description="Conditions on metadata.", examples=[{"source": "chat", "year": {"gte": 2024}}]
    )
    limit: int | None = Field(None, ge=1, le=1000, description="How many at most; 100 when left out.")
    threshold: float | None = Field(None, ge=-1, le=1, description="Least similarity; 1 is the same, 0 unrelated.")


def make_scope(user_id: str | None, agent_id: str | None, run_id: str | None) -> Scope:
    """A scope with at least one id. Raises Problem 400."""
    if not any(value and value.strip() for value in (user_id, agent_id, run_id)):
        raise no_identifier()
    return Scope(user_id or None, agent_id or None, run_id or None)


QueryId = Annotated[str | None, Query(max_length=256), AfterValidator(lambda v: clean_text(v) if v else v)]


async def query_scope(user_id: QueryId = None, agent_id: QueryId = None, run_id: QueryId = None) -> Scope:
    """The scope in a query string. Raises Problem 400."""
    return make_scope(user_id, agent_id, run_id)
