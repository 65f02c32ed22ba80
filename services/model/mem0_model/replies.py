"""From a recognised step to the reply that mem0 parses."""

import json
from dataclasses import dataclass
from typing import Any

from mem0_model.rules.facts import extract_facts
from mem0_model.rules.graph import contradicted, entities_of, relations_of
from mem0_model.rules.model import Decision, Relation
from mem0_model.rules.updates import decide
from mem0_model.steps import DeletionsStep, EntitiesStep, FactsStep, RelationsStep, Step, UpdateStep


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An assistant's message: text, or calls of tools (possibly none at all)."""

    content: str | None
    tool_calls: tuple[ToolCall, ...] = ()


def dump(value: Any) -> str:
    """Return `value` as JSON that survives mem0's clean-up of chatty models.

    mem0 cuts <think> sections and takes what stands between triple backticks, wherever these come
    from: both characters are escaped, so that a text that contains them comes back unchanged.
    """
    return json.dumps(value).replace("<", "\\u003c").replace("`", "\\u0060")


def answer(step: Step) -> Reply:
    """Return the reply to `step`. Pure, deterministic."""
    match step:
        case FactsStep(messages):
            return Reply(dump({"facts": extract_facts(messages)}))
        case UpdateStep(memories, facts):
            return Reply(dump({"memory": [_decision(d) for d in decide(memories, facts)]}))
        case EntitiesStep(text, user):
            entities = [
                {"entity": entity.name, "entity_type": entity.kind}
                for entity in entities_of(text, user)
            ]
            return Reply(None, (ToolCall("extract_entities", dump({"entities": entities})),))
        case RelationsStep(text, user):
            relations = [_relation(relation) for relation in relations_of(text, user)]
            return Reply(
                None, (ToolCall("establish_relationships", dump({"entities": relations})),)
            )
        case DeletionsStep(known, text, user):
            return Reply(
                None,
                tuple(
                    ToolCall("delete_graph_memory", dump(_relation(relation)))
                    for relation in contradicted(known, text, user)
                ),
            )


def _decision(decision: Decision) -> dict[str, str]:
    entry = {"id": decision.id, "text": decision.text, "event": decision.event}
    if decision.old is not None:
        entry["old_memory"] = decision.old
    return entry


def _relation(relation: Relation) -> dict[str, str]:
    return {
        "source": relation.source,
        "relationship": relation.name,
        "destination": relation.destination,
    }
