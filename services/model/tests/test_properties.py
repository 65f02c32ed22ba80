"""No text breaks the model: any input gives usable vectors and valid replies."""

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mem0.configs.prompts import get_update_memory_messages

from mem0_model import CHAT_MODEL, DIMENSIONS
from mem0_model.embedder import E5Embedder
from mem0_model.rules.facts import extract_facts
from mem0_model.rules.graph import contradicted, entities_of, relations_of
from mem0_model.rules.model import Memory, Relation
from mem0_model.rules.updates import decide

WORDS = (
    "I my me ich mein we not no don't never nicht kein mehr longer have like live in Berlin Munich "
    "habe wohne bin am is are the a dog named Bello sister Anna Anna's and und , . ? ! because "
    "dass who which to on Monday 3pm um 18 Uhr every jeden old 34 years forget that vergiss moved "
    "gezogen 's \" ( ) - -- ``` \n of von called heißt now jetzt if wenn".split(" ")
)
JSON = {"content-type": "application/json"}
any_text = st.text(max_size=200)
sentence = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join)
text = st.one_of(any_text, sentence)


@given(st.text(min_size=1, max_size=300))
@example("\0")
@example("ﷺ" * 500)
@example("\u200b\u200d\ufeff")
@example("a" * 5000)
@example("🐝" * 700)
@example(" ")
@settings(max_examples=150)
def test_every_text_has_a_unit_vector(embedder: E5Embedder, value: str) -> None:
    vectors = embedder.embed([value])
    assert vectors.shape == (1, DIMENSIONS)
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-4)
    assert embedder.count_tokens(value) >= 2


def test_vectors_are_the_same_every_time_and_in_every_batch(embedder: E5Embedder) -> None:
    texts = [f"memory number {n} about {'bees ' * (n % 7)}" for n in range(64)]
    together = embedder.embed(texts)
    assert np.array_equal(together, embedder.embed(texts))
    alone = np.concatenate([embedder.embed([value]) for value in texts])
    assert np.allclose(together, alone, atol=1e-5)


@given(st.lists(text, max_size=4))
@settings(max_examples=300)
def test_facts_of_any_messages_are_clean_and_repeatable(messages: list[str]) -> None:
    facts = extract_facts(messages)
    assert facts == extract_facts(messages)
    assert len(set(facts)) == len(facts)
    assert all(fact.strip() == fact and fact for fact in facts)


@given(st.lists(text.filter(str.strip), max_size=5), st.lists(text.filter(str.strip), max_size=4))
@settings(max_examples=200)
def test_decisions_never_lose_a_memory_or_a_fact(old: list[str], new: list[str]) -> None:
    decisions = decide([Memory(str(i), value) for i, value in enumerate(old)], new)
    ids = [decision.id for decision in decisions]
    assert len(set(ids)) == len(ids)
    assert ids[: len(old)] == [str(i) for i in range(len(old))]
    for decision, value in zip(decisions, old, strict=False):
        if decision.event == "NONE":
            assert decision.text == value
        elif decision.event == "UPDATE":
            assert decision.old == value
            assert decision.text in new
        else:
            assert decision.event == "DELETE"
    assert all(decision.event == "ADD" for decision in decisions[len(old) :])


@given(text, st.text(min_size=1, max_size=20).filter(str.strip))
@settings(max_examples=300)
def test_the_graph_of_any_text_is_sound(value: str, user: str) -> None:
    entities = entities_of(value, user)
    assert all(entity.name.strip() and entity.kind.isidentifier() for entity in entities)
    for relation in relations_of(value, user):
        assert relation.name.isascii()
        assert relation.name.isidentifier()
        assert relation.source.strip()
        assert relation.destination.strip()


@pytest.mark.parametrize(
    "value",
    [
        "the cat " + "of the dog " * 3000, "Anna" + "'s Anna" * 3000, "a" * 100_000, "a@" * 50_000,
        "a." * 50_000, "." * 50_000 + "x", "hi, " * 20_000, "and I like tea " * 2000, "(" * 50_000,
        "the cat " + "of the dog " * 85, "my sister Anna, " * 60, "because " * 120 + "I am",
    ],
    ids=lambda value: f"{value[:10]} x {len(value)}",
)  # fmt: skip
def test_a_text_without_end_is_kept_whole_and_breaks_nothing(value: str) -> None:
    facts = extract_facts([value])
    kept = {word.strip(".") for fact in facts for word in fact.lower().split()}
    assert set(value.lower().strip(".").split()) - kept <= {"and", "hi,", "i", "like"}
    relations_of(value, "alice")
    entities_of(value, "alice")


@given(text, st.lists(st.tuples(text, st.sampled_from(["likes", "has", "lives_in"]), text)))
@settings(max_examples=100)
def test_only_known_relations_are_ever_deleted(value: str, triples: list[Any]) -> None:
    known = [Relation(*triple) for triple in triples]
    assert set(contradicted(known, value, "alice")) <= set(known)


@given(
    st.sampled_from(["extract_entities", "establish_relationships", "delete_graph_memory", ""]),
    text,
    text,
)
@settings(max_examples=150)
def test_any_chat_request_is_answered_or_refused_with_valid_json(
    client: TestClient, tool: str, system: str, user: str
) -> None:
    body: dict[str, Any] = {
        "model": CHAT_MODEL,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
        "response_format": {"type": "json_object"},
    }
    if tool:
        body["tools"] = [{"type": "function", "function": {"name": tool}}]
    reply = client.post("/v1/chat/completions", content=json.dumps(body), headers=JSON)
    assert reply.status_code in (200, 400)
    if reply.status_code == 200:
        message = reply.json()["choices"][0]["message"]
        for written in [message["content"], *_arguments(message)]:
            assert written is None or json.loads(written) is not None


@given(st.lists(st.text(max_size=60), max_size=3), st.lists(st.text(max_size=60), max_size=3))
@settings(max_examples=100)
def test_any_update_prompt_comes_back_with_its_texts(
    client: TestClient, old: list[str], new: list[str]
) -> None:
    memories = [{"id": str(i), "text": value} for i, value in enumerate(old)]
    body = {
        "model": CHAT_MODEL,
        "messages": [{"role": "user", "content": get_update_memory_messages(memories, new)}],
        "response_format": {"type": "json_object"},
    }
    reply = client.post("/v1/chat/completions", content=json.dumps(body), headers=JSON)
    assert reply.status_code == 200, reply.text
    decided = json.loads(reply.json()["choices"][0]["message"]["content"])["memory"]
    assert [entry.get("old_memory", entry["text"]) for entry in decided[: len(old)]] == old


def _arguments(message: dict[str, Any]) -> list[str]:
    return [call["function"]["arguments"] for call in message.get("tool_calls", [])]
