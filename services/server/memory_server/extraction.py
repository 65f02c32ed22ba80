"""What the model is asked about a conversation, and how its answers are read. Upstream's prompts and parsers.

Unlike upstream, an answer that cannot be read is asked for once more and then reported: it is never taken for
"there was nothing to remember".
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from mem0.configs.prompts import PROCEDURAL_MEMORY_SYSTEM_PROMPT, get_update_memory_messages
from mem0.graphs.tools import DELETE_MEMORY_TOOL_GRAPH, EXTRACT_ENTITIES_TOOL, RELATIONS_TOOL
from mem0.graphs.utils import EXTRACT_RELATIONS_PROMPT, get_delete_messages
from mem0.memory.utils import (
    extract_json,
    format_entities,
    get_fact_retrieval_messages,
    normalize_facts,
    parse_messages,
    remove_code_blocks,
    remove_spaces_from_entities,
)

from memory_server.domain import Memory, Relation, Scope
from memory_server.model_client import ModelClient, ModelError

T = TypeVar("T")

Message = dict[str, str]


@dataclass(frozen=True)
class Action:
    """One decision of the model about the memory: `ref` is the number of an old memory, as a text."""

    event: str
    text: str
    ref: str
    old_text: str | None


async def facts(model: ModelClient, messages: list[Message], scope: Scope) -> list[str]:
    """The facts worth remembering in `messages`, without repeats. Raises ModelError."""
    of_agent = scope.agent_id is not None and any(m["role"] == "assistant" for m in messages)
    system, user = get_fact_retrieval_messages(parse_messages(messages), of_agent)
    prompt = [{"role": "system", "content": _dated(system)}, {"role": "user", "content": user}]
    return await _twice(lambda: model.json_reply(prompt), read_facts)


async def decisions(model: ModelClient, old: list[Memory], new: list[str]) -> list[Action]:
    """What to do with `new` facts in view of `old` memories. Raises ModelError."""
    listed = [{"id": str(n), "text": memory.text} for n, memory in enumerate(old)]
    prompt = [{"role": "user", "content": get_update_memory_messages(listed, new)}]
    return await _twice(lambda: model.json_reply(prompt), read_actions)


async def procedure(model: ModelClient, messages: list[Message], prompt: str | None) -> str:
    """A summary of how a task was done, for `memory_type: procedural_memory`. Raises ModelError."""
    asked = [
        {"role": "system", "content": prompt or PROCEDURAL_MEMORY_SYSTEM_PROMPT},
        *messages,
        {"role": "user", "content": "Create procedural memory of the above conversation."},
    ]
    text = remove_code_blocks(await model.text_reply(asked)).strip()
    if not text:
        raise ModelError("answered a request for a procedural memory with nothing")
    return str(text)


async def entities(model: ModelClient, text: str, scope: Scope) -> dict[str, str]:
    """Names of the entities in `text` with their types. Raises ModelError."""
    user = scope.speaker
    prompt = [
        {
            "role": "system",
            "content": "You are a smart assistant who understands entities and their types in a given text. "
            f"If user message contains self reference such as 'I', 'me', 'my' etc. then use {user} as the source "
            "entity. Extract all the entities from the text. ***DO NOT*** answer the question itself if the given "
            "text is a question.",
        },
        {"role": "user", "content": text},
    ]
    found: dict[str, str] = {}
    for call in await model.tool_calls(prompt, [EXTRACT_ENTITIES_TOOL]):
        if call.name == "extract_entities":
            for item in _dicts(call.arguments.get("entities")):
                name, kind = item.get("entity"), item.get("entity_type")
                if isinstance(name, str) and name.strip() and isinstance(kind, str) and kind.strip():
                    found[_name(name)] = _name(kind)
    return found


async def relations(model: ModelClient, text: str, scope: Scope, names: list[str]) -> list[Relation]:
    """How the entities `names` in `text` are related. Raises ModelError."""
    system = EXTRACT_RELATIONS_PROMPT.replace("USER_ID", _identity(scope)).replace("CUSTOM_PROMPT", "")
    prompt = [
        {"role": "system", "content": system},
        {"role": "user", "content": f"List of entities: {names}. \n\nText: {text}"},
    ]
    calls = await model.tool_calls(prompt, [RELATIONS_TOOL])
    rows = [row for call in calls if call.name == "establish_relationships" for row in _rows(call.arguments)]
    return read_relations(rows)


async def contradicted(model: ModelClient, text: str, scope: Scope, known: list[Relation]) -> list[Relation]:
    """Those `known` relations that `text` makes untrue. Raises ModelError."""
    if not known:
        return []
    listed = format_entities([vars(relation) for relation in known])
    system, user = get_delete_messages(listed, text, _identity(scope))
    prompt = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    calls = await model.tool_calls(prompt, [DELETE_MEMORY_TOOL_GRAPH])
    asked = read_relations([call.arguments for call in calls if call.name == "delete_graph_memory"])
    return [relation for relation in asked if relation in set(known)]


def read_facts(reply: str) -> list[str]:
    """Facts of a model's reply. Raises ValueError when it is not the JSON asked for."""
    found = _json_object(reply).get("facts")
    if not isinstance(found, list):
        raise ValueError("no list of facts")
    return list(dict.fromkeys(fact.strip() for fact in normalize_facts(found) if fact.strip()))


def read_actions(reply: str) -> list[Action]:
    """Decisions of a model's reply; entries without a text or with an unknown event are left out."""
    found = _json_object(reply).get("memory")
    if not isinstance(found, list):
        raise ValueError("no list of memories")
    actions = []
    for item in _dicts(found):
        text, event, old = item.get("text"), str(item.get("event", "")).upper(), item.get("old_memory")
        if isinstance(text, str) and text.strip() and event in {"ADD", "UPDATE", "DELETE", "NONE"}:
            ref = str(item.get("id", ""))
            actions.append(Action(event, text.strip(), ref, old if isinstance(old, str) else None))
    return actions


def read_relations(rows: list[dict[str, Any]]) -> list[Relation]:
    """Relations with names in upstream's form, without repeats and half-empty ones."""
    whole = [r for r in rows if all(isinstance(r.get(k), str) for k in ("source", "relationship", "destination"))]
    cleaned = remove_spaces_from_entities([dict(row) for row in whole])
    found = [Relation(_name(r["source"]), r["relationship"], _name(r["destination"])) for r in cleaned]
    return list(dict.fromkeys(r for r in found if r.source and r.relationship and r.destination))


async def _twice(ask: Callable[[], Awaitable[str]], read: Callable[[str], T]) -> T:
    for _ in range(2):
        try:
            return read(await ask())
        except ValueError:
            continue
    raise ModelError("answered twice with something that is not the JSON asked for")


def _json_object(reply: str) -> dict[str, Any]:
    try:
        value = json.loads(remove_code_blocks(reply), strict=False)
    except ValueError:
        value = json.loads(extract_json(reply), strict=False)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _dated(prompt: str) -> str:
    """Upstream's prompt has the date of the server's start in it; give today's."""
    return re.sub(r"(Today's date is )\d{4}-\d\d-\d\d", rf"\g<1>{datetime.now(UTC):%Y-%m-%d}", prompt)


def _identity(scope: Scope) -> str:
    return ", ".join(f"{name}: {value}" for name, value in {"user_id": scope.speaker, **scope.ids()}.items())


def _name(text: str) -> str:
    return text.strip().lower().replace(" ", "_")


def _rows(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    return _dicts(arguments.get("entities"))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
