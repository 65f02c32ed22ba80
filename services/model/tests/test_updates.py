"""Updates: no memory is lost that is still true."""

import pytest

from mem0_model.rules.model import Decision, Memory
from mem0_model.rules.updates import decide


def events(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    memories = [Memory(str(index), text) for index, text in enumerate(old)]
    return [(decision.event, decision.text) for decision in decide(memories, new)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Name is John", "Name is John"),
        ("Likes cheese pizza", "Loves cheese pizza"),
        ("I really like cheese pizza", "Likes cheese pizza"),
        ("User is a software engineer", "Is a software engineer"),
        ("I keep bees on the roof", "Keeps bees on the roof"),
        ("Has a dog named Bello", "Has a dog"),
        ("Has a dentist appointment on Monday at 3pm", "Has a dentist appointment on Monday"),
        ("Ich wohne in Köln", "Wohnt in Köln"),
    ],
)
def test_what_is_known_changes_nothing(old: str, new: str) -> None:
    assert events([old], [new]) == [("NONE", old)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("-5 degrees", "5 degrees"),
        ("The freezer is at 5 degrees", "The freezer is at -5 degrees"),
        ("Blood type is A", "Blood type is A-"),
        ("Knows C", "Knows C++"),
        ("Knows C", "Knows C#"),
    ],
)
def test_signs_make_another_fact(old: str, new: str) -> None:
    assert events([old], [new]) == [("NONE", old), ("ADD", new)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # more of the same
        ("User likes to play cricket", "Loves to play cricket with friends"),
        ("Has a dog", "Has a dog named Bello"),
        ("Name is Anna", "Name is Anna Schmidt"),
        ("Spielt Klavier", "Spielt Klavier in einer Band"),
        # another value of what has one
        ("Lives in Berlin", "Moved to Munich last month"),
        ("Lives in Berlin", "Lives in Munich"),
        ("Wohnt in Köln", "Ist letztes Jahr nach Leipzig gezogen"),
        ("Is 34 years old", "Is 35 years old"),
        ("Favorite color is green", "Favourite color is blue"),
        ("Birthday is on March 5th", "Birthday is on March 6th"),
        ("Wife is called Maria", "Wife is called Eva"),
        ("Phone number is +49 170 1234567", "Phone number is +49 170 7654321"),
        ("Heißt Jonas", "Heißt Tim"),
        ("Works at Siemens", "Now works at Bosch"),
        # the very same denied
        ("Loves cheese pizza", "Dislikes cheese pizza"),
        ("Likes coffee", "Doesn't like coffee"),
        ("Doesn't like coffee", "Likes coffee"),
        ("Works at Siemens", "No longer works at Siemens"),
        ("Mag Kaffee", "Mag keinen Kaffee"),
        ("Isst Fleisch", "Isst kein Fleisch"),
    ],
)
def test_a_fact_replaces_what_it_completes_or_contradicts(old: str, new: str) -> None:
    decisions = decide([Memory("0", old)], [new])
    assert decisions == [Decision("0", new, "UPDATE", old)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Lives in Berlin", "Lives in Germany"),
        ("Lives in Germany", "Moved to Munich"),
        ("Lives in Berlin", "Lives in a small flat"),
        ("Lives in Berlin with sister Anna", "Moved to Munich"),
        ("Anna lives in Berlin", "Lives in Munich"),
        ("Anna lives in Berlin", "Tom lives in Munich"),
        ("Has a dog", "Has a cat"),
        ("Has a dog allergy", "Has a dog"),
        ("Works at Siemens", "Works at Bosch"),
        ("Drives a red Volvo", "Drives a blue Golf"),
        ("Likes tea with milk", "Doesn't like milk"),
        ("Doesn't eat meat on Fridays", "Doesn't eat meat"),
        ("Favourite movies are Alien and Brazil", "Favourite movies are Heat and Dune"),
        ("Has a meeting with John on Monday", "Has a meeting with John on Tuesday"),
        ("Wants to live in Rome", "Lives in Oslo"),
        ("Was in Rome in 2019", "Was in Oslo in 2020"),
        ("Daughter is called Emma", "Daughter is called Mia"),
        ("Takes metoprolol every morning", "Takes ibuprofen every morning"),
        ("Wohnt in Köln", "Mutter wohnt in Bonn"),
    ],
)
def test_in_doubt_both_are_kept(old: str, new: str) -> None:
    assert events([old], [new]) == [("NONE", old), ("ADD", new)]


def test_only_the_memory_concerned_is_touched() -> None:
    old = ["Likes tea", "Likes coffee", "Has a dog", "Anna likes coffee"]
    assert events(old, ["Doesn't like coffee"]) == [
        ("NONE", "Likes tea"),
        ("UPDATE", "Doesn't like coffee"),
        ("NONE", "Has a dog"),
        ("NONE", "Anna likes coffee"),
    ]


def test_one_memory_takes_one_fact_and_the_other_fact_is_added() -> None:
    new = ["Has a dog named Bello", "Has a dog and a cat"]
    assert events(["Has a dog"], new) == [("UPDATE", new[0]), ("ADD", new[1])]


def test_a_memory_that_is_there_twice_is_not_left_behind() -> None:
    assert events(["Is 34 years old", "I am 34 years old"], ["Is 35 years old"]) == [
        ("UPDATE", "Is 35 years old"),
        ("DELETE", "I am 34 years old"),
    ]


def test_forgetting_deletes_what_was_named_and_adds_nothing() -> None:
    old = ["Keeps bees on the roof", "Has a cat"]
    assert events(old, ["Forget: Keeps bees"]) == [("DELETE", old[0]), ("NONE", old[1])]
    assert events(old, ["Forget: Has a dog"]) == [("NONE", old[0]), ("NONE", old[1])]


def test_new_memories_get_ids_after_the_old_ones() -> None:
    decisions = decide([Memory("0", "Has a cat"), Memory("1", "Has a dog")], ["Likes tea", "Sings"])
    assert [(d.id, d.event) for d in decisions] == [
        ("0", "NONE"), ("1", "NONE"), ("2", "ADD"), ("3", "ADD"),
    ]  # fmt: skip


def test_with_no_memories_all_facts_are_added() -> None:
    assert events([], ["Likes tea", "Likes tea", "Sings"]) == [
        ("ADD", "Likes tea"),
        ("ADD", "Sings"),
    ]
