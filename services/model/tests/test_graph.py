"""The graph: self references, safe names, and deletions of contradictions only."""

import re

import pytest

from mem0_model.rules.graph import contradicted, entities_of, relations_of
from mem0_model.rules.model import Relation


@pytest.mark.parametrize("user", ["alice", "user_42", "Ärztin Ö", "a, b", "İ"])
def test_self_references_are_the_user(user: str) -> None:
    assert Relation(user, "keeps", "bees") in relations_of("I keep bees.", user)
    assert Relation(user, "sister", "Anna") in relations_of("My sister Anna sings.", user)
    assert user in [entity.name for entity in entities_of("Where is my car?", user)]


def test_a_question_names_entities_but_states_nothing() -> None:
    question = "Does my sister Anna live in Berlin?"
    assert relations_of(question, "alice") == []
    assert {entity.name for entity in entities_of(question, "alice")} >= {"alice", "Anna", "Berlin"}


def test_a_condition_states_nothing() -> None:
    for text in ("If I win the lottery I quit my job.", "I quit my job if I win the lottery."):
        assert "lottery" not in [relation.destination for relation in relations_of(text, "alice")]


@pytest.mark.parametrize(
    "text",
    [
        "I re-read \"Dune\" (1965) & it's great!", "Ich übersetze für die Müller-Straße 5 Bücher",
        "I `DROP` it]->(n) DETACH DELETE n //", "私は猫を飼っています", "I 🐝 keep 🐝 bees",
    ],
)  # fmt: skip
def test_relation_names_are_fit_for_a_query(text: str) -> None:
    for relation in relations_of(text, "alice"):
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,80}", relation.name)


def test_everything_related_is_an_entity_with_a_kind() -> None:
    text = "My sister Anna lives in Berlin with her dog Rex and works at Bosch since 2018."
    names = {entity.name for entity in entities_of(text, "alice")}
    for relation in relations_of(text, "alice"):
        assert {relation.source, relation.destination} <= names
    assert all(re.fullmatch("[a-z]+", entity.kind) for entity in entities_of(text, "alice"))


KNOWN = [
    Relation("alice", "lives_in", "berlin"),
    Relation("alice", "likes", "coffee"),
    Relation("alice", "likes", "tea"),
    Relation("alice", "works_at", "siemens"),
    Relation("alice", "has", "cat"),
    Relation("alice", "favourite_color", "green"),
    Relation("alice", "sister", "anna"),
    Relation("anna", "lives_in", "hamburg"),
    Relation("alice", "married_to", "tom"),
]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("I moved to Munich.", [0]),
        ("I don't like coffee anymore.", [1]),
        ("I hate coffee.", [1]),
        ("I no longer work at Siemens.", [3]),
        ("My favourite color is blue.", [5]),
        ("Anna lives in Bremen.", [7]),
        ("I am married to Paul.", [8]),
        ("Forget that I like tea.", [2]),
        ("Ich mag keinen coffee.", [1]),
        ("I also like cocoa.", []),
        ("I have a dog.", []),
        ("I work at Bosch.", []),
        ("Tom lives in Oslo.", []),
        ("My sister Clara sings.", []),
        ("Do I live in Munich?", []),
        ("I would like to live in Rome.", []),
    ],
)
def test_only_what_is_contradicted_is_deleted(text: str, gone: list[int]) -> None:
    assert contradicted(KNOWN, text, "alice") == [KNOWN[index] for index in gone]
