"""What an add will change, decided before anything is written: all model calls happen here, none later."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid4

from memory_server import extraction, moments
from memory_server.concurrency import together
from memory_server.domain import CORE, GraphChange, HistoryEntry, Memory, Scope, Vector, as_text, now
from memory_server.errors import Problem
from memory_server.extraction import Action, Message
from memory_server.graph import Graph
from memory_server.model_client import ModelClient
from memory_server.schemas import MAX_METADATA_BYTES

Kind = Literal["ADD", "UPDATE", "DELETE", "TOUCH"]


@dataclass(frozen=True)
class Step:
    """One change of the collection. `before` is the memory as it was seen while planning.

    TOUCH moves a memory that stays as it is into the add's agent or run, as upstream does.
    """

    kind: Kind
    id: UUID
    text: str
    vector: Vector | None = None
    before: Memory | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All that one add does, in all stores."""

    scope: Scope
    metadata: dict[str, Any]
    steps: list[Step]
    graph: GraphChange | None

    def results(self) -> list[dict[str, Any]]:
        """Upstream's `results` of the add."""
        found = []
        for step in self.steps:
            if step.kind == "TOUCH":
                continue
            item: dict[str, Any] = {"id": str(step.id), "memory": step.text, "event": step.kind}
            if step.kind == "UPDATE" and step.before:
                item["previous_memory"] = step.before.text
            if "role" in step.extra:
                item |= {"actor_id": step.extra.get("actor_id"), "role": step.extra["role"]}
            found.append(item)
        return found


async def verbatim(model: ModelClient, messages: list[dict[str, Any]], scope: Scope, metadata: dict[str, Any]) -> Plan:
    """`infer: false`: every message becomes a memory as it is. The chat model is not asked, the graph not changed."""
    kept = [message for message in messages if message["role"] != "system"]
    vectors = await model.embed([message["content"] for message in kept])
    steps = []
    for message, vector in zip(kept, vectors, strict=True):
        extra = {"role": message["role"], **({"actor_id": message["name"]} if message.get("name") else {})}
        steps.append(Step("ADD", uuid4(), message["content"], vector, extra=extra))
    return Plan(scope, metadata, steps, None)


async def procedural(
    model: ModelClient, messages: list[Message], scope: Scope, metadata: dict[str, Any], prompt: str | None
) -> Plan:
    """`memory_type: procedural_memory`: one memory that tells how something was done."""
    text = await extraction.procedure(model, messages, prompt)
    [vector] = await model.embed([text])
    return Plan(scope, {**metadata, "memory_type": "procedural_memory"}, [Step("ADD", uuid4(), text, vector)], None)


class Planner:
    """Plans an add with inference: facts against old memories, and relations against the graph."""

    def __init__(self, model: ModelClient, graph: Graph) -> None:
        self._model = model
        self._graph = graph

    async def relations(self, messages: list[Message], scope: Scope) -> GraphChange | None:
        """The graph half: entities, their relations, and which known relations are no longer true."""
        text = "\n".join(message["content"] for message in messages if message["role"] != "system")
        if not text.strip():
            return None
        types = await extraction.entities(self._model, text, scope)
        if not types:
            return None
        names = list(types)
        added, vectors = await together(extraction.relations(self._model, text, scope, names), self._model.embed(names))
        known = dict(zip(names, vectors, strict=True))
        missing = list(dict.fromkeys(n for r in added for n in (r.source, r.destination) if n not in known))
        known |= dict(zip(missing, await self._model.embed(missing), strict=True))
        similar = await self._graph.similar(scope.node_ids(), vectors)
        wrong = await extraction.contradicted(self._model, text, scope, similar)
        if not added and not wrong:
            return None
        used = {n for r in added for n in (r.source, r.destination)}
        return GraphChange(
            scope=scope.node_ids(),
            add=added,
            invalidate=wrong,
            types={name: kind for name, kind in types.items() if name in used},
            vectors={name: vector for name, vector in known.items() if name in used},
        )

    async def decide(self, facts: dict[str, Vector], old: list[Memory], scope: Scope) -> list[Step]:
        """The vector half: what becomes of each fact, in view of the `old` memories near to them."""
        actions = await extraction.decisions(self._model, old, list(facts))
        steps = steps_of(actions, old, scope)
        texts = dict.fromkeys(s.text for s in steps if s.kind in {"ADD", "UPDATE"} and s.text not in facts)
        vectors = facts | dict(zip(texts, await self._model.embed(list(texts)), strict=True))
        return [
            Step(s.kind, s.id, s.text, vectors[s.text] if s.kind in {"ADD", "UPDATE"} else None, s.before)
            for s in steps
        ]


def steps_of(actions: list[Action], old: list[Memory], scope: Scope) -> list[Step]:
    """The model's decisions as steps. At most one per old memory: the first.

    A decision about a memory that does not exist is taken as an addition when it carries a new text (upstream drops
    it, and with it the fact), and left out when it would delete.
    """
    by_ref = {str(n): memory for n, memory in enumerate(old)}
    steps: list[Step] = []
    seen: set[UUID] = set()
    for action in actions:
        before = by_ref.get(action.ref) if action.event != "ADD" else None
        if before is None:
            if action.event in {"ADD", "UPDATE"} and not any(s.kind == "ADD" and s.text == action.text for s in steps):
                steps.append(Step("ADD", uuid4(), action.text))
            continue
        if before.id in seen:
            continue
        if action.event == "UPDATE":
            steps.append(Step("UPDATE", before.id, action.text, before=before))
        elif action.event == "DELETE":
            steps.append(Step("DELETE", before.id, before.text, before=before))
        elif scope.agent_id or scope.run_id:
            steps.append(Step("TOUCH", before.id, before.text, before=before))
        else:
            continue
        seen.add(before.id)
    return steps


def new_payload(step: Step, plan: Plan) -> dict[str, Any]:
    """Payload of an added memory, upstream's members."""
    payload = {**plan.metadata, **plan.scope.ids(), **step.extra}
    created = payload.get("created_at") or now()
    return {**payload, "data": step.text, "hash": text_hash(step.text), "created_at": created, "updated_at": created}


def changed_payload(before: Memory, text: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """Payload of an updated memory: what `metadata` does not name stays (upstream's promise, which it breaks).

    Raises Problem 422 where it gets larger than metadata may be: update by update it would grow without end.
    """
    kept = {k: v for k, v in metadata.items() if k != "created_at"}
    merged = {**before.payload, **kept}
    if _metadata_bytes(merged) > max(MAX_METADATA_BYTES, _metadata_bytes(before.payload)):
        detail = (
            f"With what the memory has already, its metadata would be larger than {MAX_METADATA_BYTES} bytes as JSON."
        )
        raise Problem(422, "metadata-too-large", detail)
    return {
        **merged,
        "data": text,
        "hash": text_hash(text),
        "created_at": moments.stored_if_any(before.payload.get("created_at")),
        "updated_at": now(),
    }


def _metadata_bytes(payload: dict[str, Any]) -> int:
    return len(json.dumps({k: v for k, v in payload.items() if k not in CORE}))


def entry(event: Literal["ADD", "UPDATE", "DELETE"], before: Memory | None, after: Memory | None) -> HistoryEntry:
    """The history entry of one change, as upstream writes it."""
    subject = after or before
    assert subject is not None  # noqa: S101 - an event has at least one side
    return HistoryEntry(
        id=str(uuid4()),
        memory_id=str(subject.id),
        old_memory=before.text if before else None,
        new_memory=after.text if after else None,
        event=event,
        created_at=as_text(subject.public()["created_at"]),
        updated_at=now() if event == "DELETE" else as_text(subject.payload.get("updated_at")),
        is_deleted=int(event == "DELETE"),
        actor_id=as_text(subject.payload.get("actor_id")),
        role=as_text(subject.payload.get("role")),
    )


def text_hash(text: str) -> str:
    """Upstream's checksum of a memory's text; not for security."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
