"""What clients send: upstream's bodies, checked."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Self

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from memory_server import moments
from memory_server.domain import CANARY, OWNERS, Scope
from memory_server.errors import Problem, no_identifier

MAX_TEXT = 100_000
MAX_ID = 256
MAX_DEPTH = 16
MAX_METADATA_BYTES = 64 * 1024
"""As JSON. A page of 1,000 memories is built in memory, and so is a batch of an import."""

THE_SERVERS_OWN = frozenset({"data", "hash", "id", "updated_at"})
"""Members of a payload that a client's metadata would overwrite, or be overwritten by."""


def clean_text(text: str) -> str:
    """Refuse what Postgres cannot store."""
    if "\x00" in text:
        raise ValueError("must not contain the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode (it has half a surrogate pair)") from None
    return text


def not_blank(text: str) -> str:
    """Refuse a text that says nothing."""
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
    """Refuse what cannot be kept as it is: names of the server's own, and speakers that are no text."""
    clean_json(value)
    if len(json.dumps(value)) > MAX_METADATA_BYTES:
        raise ValueError(f"must not be larger than {MAX_METADATA_BYTES} bytes as JSON")
    if own := sorted(THE_SERVERS_OWN & value.keys()):
        raise ValueError(f"must not contain {', '.join(own)}: the server sets it")
    for name in ("actor_id", "role"):
        if name in value and not (isinstance(value[name], str) and 0 < len(value[name]) <= MAX_ID):
            raise ValueError(f"{name} must be a text of 1 to {MAX_ID} characters")
    if "created_at" in value:
        try:
            value = {**value, "created_at": moments.stored(value["created_at"])}
        except ValueError as error:
            raise ValueError(f"created_at {error}") from None
    return value


def _metadata_of_an_update(value: dict[str, Any]) -> dict[str, Any]:
    """Whose a memory is, and since when it is known, an update cannot change."""
    if fixed := sorted({*OWNERS, "created_at"} & value.keys()):
        raise ValueError(f"must not contain {', '.join(fixed)}: an update cannot change it")
    return _metadata(value)


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


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(clean_text), AfterValidator(not_blank)]
Content = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(clean_text)]
Role = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(clean_text)]
Id = Annotated[str, Field(max_length=MAX_ID), AfterValidator(clean_text)]
Metadata = Annotated[dict[str, Any], AfterValidator(_metadata)]
ChangedMetadata = Annotated[dict[str, Any], AfterValidator(_metadata_of_an_update)]
Filters = Annotated[dict[str, Any], AfterValidator(clean_json)]


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

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        """What the metadata says again must be the same: one of the two would be lost without a word."""
        metadata = dict(self.metadata or {})
        for name in OWNERS:
            if name in metadata and metadata.pop(name) != getattr(self, name):
                raise ValueError(f"metadata.{name} is not the request's own {name}")
        if self.infer is False:
            if "role" in metadata:
                raise ValueError("metadata.role: with infer=false the role is that of each message")
            if "actor_id" in metadata and any(message.name for message in self.messages):
                raise ValueError("metadata.actor_id: with infer=false the speaker is the name of each message")
        if self.metadata is not None:
            self.metadata = metadata
        return self


class MemoryUpdate(BaseModel):
    """Upstream's body of an update."""

    text: Text = Field(description="The new text.", examples=["I keep bees in the garden."])
    metadata: ChangedMetadata | None = Field(None, description="Members to set; others stay.")


class SearchRequest(WhoseMemories):
    """Upstream's body of a search."""

    query: Text = Field(examples=["Which animals do I have?"])
    filters: Filters | None = Field(
        None, description="Conditions on metadata.", examples=[{"source": "chat", "year": {"gte": 2024}}]
    )
    limit: int | None = Field(None, ge=1, le=1000, description="How many at most; 100 when left out.")
    threshold: float | None = Field(None, ge=-1, le=1, description="Least similarity; 1 is the same, 0 unrelated.")


def make_scope(user_id: str | None, agent_id: str | None, run_id: str | None) -> Scope:
    """A scope with at least one id. Raises Problem 400, and 422 for the name of the health check's own user."""
    if not any(value and value.strip() for value in (user_id, agent_id, run_id)):
        raise no_identifier()
    if user_id == CANARY:
        raise Problem(422, "reserved-user", f"{CANARY} is the user of the health check alone: take another user_id.")
    return Scope(user_id or None, agent_id or None, run_id or None)


QueryId = Annotated[str | None, Query(max_length=MAX_ID), AfterValidator(lambda v: clean_text(v) if v else v)]


async def query_scope(user_id: QueryId = None, agent_id: QueryId = None, run_id: QueryId = None) -> Scope:
    """The scope in a query string. Raises Problem 400."""
    return make_scope(user_id, agent_id, run_id)
