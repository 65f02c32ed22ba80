from __future__ import annotations

from memory_server.domain import GraphChange, Relation, Scope
from memory_server.entity_names import mentioned, resolve_new, without_loops

EAST, NORTH, NEARLY_EAST = [1.0, 0.0], [0.0, 1.0], [0.99, 0.1]


def change(*relations: tuple[str, str], **vectors: list[float]) -> GraphChange:
    return GraphChange({}, add=[Relation(s, "r", d) for s, d in relations], vectors=vectors)


def test_near_names_of_one_add_become_one_entity() -> None:
    both = change(("me", "bee"), ("me", "bees"), me=NORTH, bee=EAST, bees=NEARLY_EAST)
    assert resolve_new(both, set(), 0.7) == {"me": "me", "bee": "bee", "bees": "bee"}


def test_the_ends_of_one_relation_stay_two() -> None:
    pair = change(("bee", "bees"), bee=EAST, bees=NEARLY_EAST)
    assert resolve_new(pair, set(), 0.7) == {"bee": "bee", "bees": "bees"}


def test_known_names_are_not_looked_at() -> None:
    assert resolve_new(change(("me", "bee"), me=NORTH, bee=EAST), {"me"}, 0.7) == {"bee": "bee"}


def test_an_entity_is_never_related_to_itself_by_likeness() -> None:
    pair = change(("bee", "honey_bee"), bee=EAST, honey_bee=NEARLY_EAST)
    assert without_loops(pair, {"bee": "node1"}, {"honey_bee": "node1"}) == {}
    assert without_loops(pair, {}, {"bee": "node1", "honey_bee": "node1"}) == {"bee": "node1"}
    assert without_loops(pair, {"bee": "node1"}, {"honey_bee": "node2"}) == {"honey_bee": "node2"}


def test_a_question_mentions_runs_of_its_words() -> None:
    names = mentioned("Where does Anna Maria live?", Scope("alice"))
    assert {"anna", "anna_maria", "where_does_anna_maria"} <= set(names)
    assert "alice" not in names


def test_plural_and_singular_ask_for_the_same() -> None:
    assert "bee" in mentioned("any bees?", Scope("alice"))
    assert "horses" in mentioned("my horse", Scope("alice"))


def test_signs_belong_to_names() -> None:
    names = mentioned("Do I know C++ or C#? Who owes -50 euros?", Scope("alice"))
    assert {"c++", "c#", "-50_euros"} <= {*names}


def test_my_means_the_user() -> None:
    assert "alice_b" in mentioned("Which animals do I have?", Scope("Alice B"))
    assert "alice" in mentioned("Wie heißt meine Schwester?", Scope("alice"))
    assert "user" in mentioned("my dog", Scope(agent_id="bot"))


def test_a_long_question_stays_bounded() -> None:
    assert len(mentioned("word " * 10_000, Scope("alice"))) < 1000
