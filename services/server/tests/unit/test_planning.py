from __future__ import annotations

from uuid import uuid4

from memory_server.adding import graph_change
from memory_server.domain import GraphChange, Memory, Relation, Scope
from memory_server.extraction import Action
from memory_server.planning import Plan, Step, changed_payload, entry, new_payload, steps_of

OLD = [Memory(uuid4(), {"data": "Keeps bees", "hash": "h", "user_id": "alice"}), Memory(uuid4(), {"data": "Has a dog"})]
ALICE = Scope("alice")


def steps(*actions: Action, scope: Scope = ALICE) -> list[tuple[str, str]]:
    return [(step.kind, step.text) for step in steps_of(list(actions), OLD, scope)]


def test_each_decision_becomes_one_step() -> None:
    found = steps(
        Action("ADD", "Has a cat", "9", None),
        Action("UPDATE", "Keeps bees and wasps", "0", None),
        Action("DELETE", "Has a dog", "1", None),
    )
    assert found == [("ADD", "Has a cat"), ("UPDATE", "Keeps bees and wasps"), ("DELETE", "Has a dog")]


def test_an_update_of_a_memory_that_does_not_exist_keeps_the_fact() -> None:
    assert steps(Action("UPDATE", "Has a cat", "77", None)) == [("ADD", "Has a cat")]


def test_a_deletion_of_a_memory_that_does_not_exist_does_nothing() -> None:
    assert steps(Action("DELETE", "Has a cat", "77", None)) == []


def test_the_same_text_is_added_once_and_a_memory_changed_once() -> None:
    found = steps(
        Action("ADD", "Has a cat", "", None),
        Action("ADD", "Has a cat", "", None),
        Action("UPDATE", "Keeps wasps", "0", None),
        Action("DELETE", "Keeps bees", "0", None),
    )
    assert found == [("ADD", "Has a cat"), ("UPDATE", "Keeps wasps")]


def test_an_unchanged_memory_is_moved_into_the_run_it_was_repeated_in() -> None:
    nothing = Action("NONE", "Has a dog", "1", None)
    assert steps(nothing) == []
    assert steps(nothing, scope=Scope("alice", run_id="r1")) == [("TOUCH", "Has a dog")]


def test_a_new_memory_has_upstreams_payload() -> None:
    plan = Plan(Scope("alice", run_id="r"), {"source": "chat"}, [], None)
    payload = new_payload(Step("ADD", uuid4(), "Keeps bees", [0.0], extra={"role": "user"}), plan)
    assert payload["created_at"] == payload["updated_at"]
    del payload["created_at"], payload["updated_at"]
    assert payload == {
        "source": "chat",
        "user_id": "alice",
        "run_id": "r",
        "role": "user",
        "data": "Keeps bees",
        "hash": "bcb2eaa16e59f3a00d0ffce7d79c0a2a",
    }


def test_metadata_cannot_move_a_memory_to_another_user() -> None:
    plan = Plan(ALICE, {"user_id": "mallory", "data": "x", "hash": "x"}, [], None)
    payload = new_payload(Step("ADD", uuid4(), "Keeps bees", [0.0]), plan)
    assert (payload["user_id"], payload["data"]) == ("alice", "Keeps bees")


def test_an_update_keeps_the_metadata_it_does_not_name() -> None:
    before = Memory(
        uuid4(),
        {"data": "a", "user_id": "alice", "colour": "red", "size": 1, "created_at": "2024-01-01T02:00:00+02:00"},
    )
    after = changed_payload(before, "b", {"size": 2})
    assert (after["data"], after["colour"], after["size"], after["user_id"]) == ("b", "red", 2, "alice")
    assert after["created_at"] == "2024-01-01T00:00:00.000000+00:00"
    assert after["updated_at"] > after["created_at"]


def test_history_tells_both_sides_of_a_change() -> None:
    before, after = OLD[0], Memory(OLD[0].id, {"data": "Keeps wasps"})
    assert (entry("ADD", None, after).old_memory, entry("ADD", None, after).new_memory) == (None, "Keeps wasps")
    update = entry("UPDATE", before, after)
    assert (update.old_memory, update.new_memory, update.is_deleted) == ("Keeps bees", "Keeps wasps", 0)
    gone = entry("DELETE", before, None)
    assert (gone.old_memory, gone.new_memory, gone.is_deleted) == ("Keeps bees", None, 1)


def test_relations_are_tied_to_the_memories_they_came_with() -> None:
    relations = GraphChange({"user_id": "alice"}, add=[Relation("alice", "keeps", "bees")])
    new, old = Step("ADD", uuid4(), "x", [0.0]), Step("DELETE", OLD[1].id, "Has a dog", before=OLD[1])
    change = graph_change(Plan(ALICE, {}, [new, old], relations))
    assert change is not None
    assert (change.memory_ids, change.forget) == ([str(new.id)], [str(old.id)])
    assert graph_change(Plan(ALICE, {}, [new], None)) is None


def test_results_are_upstreams() -> None:
    add = Step("ADD", uuid4(), "plain", [0.0], extra={"role": "user"})
    update = Step("UPDATE", OLD[0].id, "Keeps wasps", [0.0], OLD[0])
    touch = Step("TOUCH", OLD[1].id, "Has a dog", before=OLD[1])
    assert Plan(ALICE, {}, [add, update, touch], None).results() == [
        {"id": str(add.id), "memory": "plain", "event": "ADD", "actor_id": None, "role": "user"},
        {"id": str(OLD[0].id), "memory": "Keeps wasps", "event": "UPDATE", "previous_memory": "Keeps bees"},
    ]


def test_a_graph_change_survives_the_intent_row() -> None:
    change = GraphChange(
        {"user_id": "alice"},
        add=[Relation("alice", "keeps", "bees")],
        invalidate=[Relation("alice", "keeps", "wasps")],
        types={"bees": "animal"},
        vectors={"bees": [0.5]},
        memory_ids=["m"],
        forget=["g"],
        wipe="scope",
    )
    assert GraphChange.from_json(change.to_json()) == change


def test_a_memory_whose_owner_was_stored_as_something_else_can_still_be_written_about() -> None:
    odd = Memory(uuid4(), {"data": "a", "user_id": 7, "actor_id": ["a"], "role": {"x": 1}, "created_at": 5})
    assert odd.scope == Scope("7")
    gone = entry("DELETE", odd, None)
    assert (gone.actor_id, gone.role, gone.created_at) == ('["a"]', '{"x": 1}', "5")
