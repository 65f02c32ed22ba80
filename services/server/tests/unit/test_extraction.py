from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from memory_server import extraction
from memory_server.domain import Memory, Relation, Scope
from memory_server.metrics import Metrics
from memory_server.model_client import ModelClient, ModelError

ALICE = Scope("alice")


class Model:
    """Answers chat requests with prepared messages and keeps what was asked."""

    def __init__(self, settings: Any, *answers: dict[str, Any]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers = list(answers)
        self.client = ModelClient(settings(), Metrics(), httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        return httpx.Response(200, json={"choices": [{"message": self._answers.pop(0)}]})


def text(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def tools(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "content": None,
        "tool_calls": [{"function": {"name": name, "arguments": json.dumps(args)}} for name, args in calls],
    }


USER = [{"role": "user", "content": "I keep bees."}]


@pytest.mark.parametrize(
    ("reply", "facts"),
    [
        ('{"facts": ["Keeps bees", "Keeps bees", " ", "Is 40"]}', ["Keeps bees", "Is 40"]),
        ('```json\n{"facts": ["Keeps bees"]}\n```', ["Keeps bees"]),
        ('Here you are: {"facts": [{"fact": "Keeps bees"}]}', ["Keeps bees"]),
        ('<think>hm</think>{"facts": []}', []),
    ],
)
async def test_facts_are_read_from_what_models_write(settings: Any, reply: str, facts: list[str]) -> None:
    model = Model(settings, text(reply))
    assert await extraction.facts(model.client, USER, ALICE) == facts


async def test_an_unreadable_answer_is_asked_for_once_more(settings: Any) -> None:
    model = Model(settings, text("I would rather not."), text('{"facts": ["Keeps bees"]}'))
    assert await extraction.facts(model.client, USER, ALICE) == ["Keeps bees"]


@pytest.mark.parametrize("reply", ["", "no json", '{"facts": "Keeps bees"}', '{"memory": []}', "[]"])
async def test_a_failure_is_never_taken_for_nothing_to_remember(settings: Any, reply: str) -> None:
    model = Model(settings, text(reply), text(reply))
    with pytest.raises(ModelError, match="twice"):
        await extraction.facts(model.client, USER, ALICE)


async def test_the_prompt_has_the_date_of_today_and_not_of_the_start(settings: Any, monkeypatch: Any) -> None:
    stale = "You know. Today's date is 2001-02-03. JSON."
    monkeypatch.setattr(extraction, "get_fact_retrieval_messages", lambda *_: (stale, "Input"))
    model = Model(settings, text('{"facts": []}'))
    await extraction.facts(model.client, USER, ALICE)
    assert f"{datetime.now(UTC):%Y-%m-%d}" in model.asked[0]["messages"][0]["content"]


def test_the_installed_prompt_still_has_the_sentence_with_the_date() -> None:
    system, _ = extraction.get_fact_retrieval_messages("x", False)
    assert re.search(r"Today's date is \d{4}-\d\d-\d\d", system)


async def test_facts_about_the_agent_are_asked_for_where_it_spoke(settings: Any) -> None:
    talk = [*USER, {"role": "assistant", "content": "I love bees."}]
    for scope, expected in ((ALICE, "Personal"), (Scope("alice", "bot"), "Assistant")):
        model = Model(settings, text('{"facts": []}'))
        await extraction.facts(model.client, talk, scope)
        assert f"{expected} Information Organizer" in model.asked[0]["messages"][0]["content"]


def memory(words: str) -> Memory:
    from uuid import uuid4  # noqa: PLC0415

    return Memory(uuid4(), {"data": words})


async def test_old_memories_are_shown_to_the_model_by_number(settings: Any) -> None:
    old = [memory("Keeps bees"), memory("Has a dog")]
    model = Model(settings, text('{"memory": [{"id": "1", "text": "Has two dogs", "event": "update"}]}'))
    [action] = await extraction.decisions(model.client, old, ["Has two dogs"])
    assert (action.event, action.ref) == ("UPDATE", "1")
    assert "{'id': '0', 'text': 'Keeps bees'}" in model.asked[0]["messages"][0]["content"]


def test_decisions_without_a_text_or_with_an_unknown_event_are_left_out() -> None:
    rows = [{"text": "", "event": "ADD"}, {"text": "x", "event": "MERGE"}, "junk", {"text": " y ", "event": "ADD"}]
    assert [a.text for a in extraction.read_actions(json.dumps({"memory": rows}))] == ["y"]


async def test_entities_have_names_in_upstreams_form(settings: Any) -> None:
    rows = [{"entity": "Anna Maria", "entity_type": "Person"}, {"entity": " ", "entity_type": "x"}, {"entity": 3}, None]
    model = Model(settings, tools(("extract_entities", {"entities": rows})))
    assert await extraction.entities(model.client, "Anna Maria", ALICE) == {"anna_maria": "person"}
    assert "use alice as the source" in model.asked[0]["messages"][0]["content"]


async def test_without_a_user_the_graph_speaks_of_user(settings: Any) -> None:
    model = Model(settings, tools())
    assert await extraction.entities(model.client, "x", Scope(agent_id="bot")) == {}
    assert "use user as the source" in model.asked[0]["messages"][0]["content"]


async def test_half_empty_relations_are_left_out_and_names_made_safe(settings: Any) -> None:
    rows = [
        {"source": "Alice", "relationship": "lives in", "destination": "New York"},
        {"source": "Alice", "relationship": "lives in"},
        {"source": "Alice", "relationship": "`]->() DETACH DELETE n//", "destination": "x"},
    ]
    model = Model(settings, tools(("establish_relationships", {"entities": rows})))
    found = await extraction.relations(model.client, "x", ALICE, ["alice"])
    assert found[0] == Relation("alice", "lives_in", "new_york")
    assert len(found) == 2


async def test_only_relations_that_exist_can_be_contradicted(settings: Any) -> None:
    known = [Relation("alice", "lives_in", "berlin")]
    calls = [("delete_graph_memory", vars(known[0])), ("delete_graph_memory", vars(Relation("bob", "likes", "tea")))]
    model = Model(settings, tools(*calls))
    assert await extraction.contradicted(model.client, "x", ALICE, known) == known


async def test_nothing_known_means_nothing_to_ask(settings: Any) -> None:
    model = Model(settings)
    assert await extraction.contradicted(model.client, "x", ALICE, []) == []
    assert model.asked == []


async def test_an_empty_procedure_is_an_error(settings: Any) -> None:
    model = Model(settings, text("  "))
    with pytest.raises(ModelError):
        await extraction.procedure(model.client, USER, None)
