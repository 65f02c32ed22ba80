"""How well the rules read everyday sentences, against two tables of expected results.

sentences.jsonl is what the rules were written with. held_out.jsonl was written before them and is
not consulted when they are changed: its figures tell how they do on what they have not seen.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mem0_model.rules.facts import extract_facts
from mem0_model.rules.graph import entities_of, relations_of

DATA = Path(__file__).parent / "data"
USER = "user"


class Score(NamedTuple):
    precision: float
    recall: float


def cases(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def low(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else tuple(part.lower() for part in value)


def facts(text: str) -> set[Any]:
    return {low(fact) for fact in extract_facts([text])}


def entities(text: str) -> set[Any]:
    return {low(entity.name) for entity in entities_of(text, USER)}


def kinds(text: str) -> set[Any]:
    return {low((entity.name, entity.kind)) for entity in entities_of(text, USER)}


def relations(text: str) -> set[Any]:
    return {low((r.source, r.name, r.destination)) for r in relations_of(text, USER)}


READERS: dict[str, tuple[Callable[[str], set[Any]], Callable[[dict[str, Any]], set[Any]]]] = {
    "facts": (facts, lambda case: {low(fact) for fact in case["facts"]}),
    "entities": (entities, lambda case: {low(name) for name, _ in case["entities"]}),
    "kinds": (kinds, lambda case: {low(pair) for pair in case["entities"]}),
    "relations": (relations, lambda case: {low(triple) for triple in case["relations"]}),
}


def score(name: str, what: str, capsys: pytest.CaptureFixture[str]) -> Score:
    """Precision and recall over a table, shown whether or not the test passes."""
    read, expect = READERS[what]
    right = found = wanted = 0
    for case in cases(name):
        got, expected = read(case["text"]), expect(case)
        right += len(got & expected)
        found += len(got)
        wanted += len(expected)
    result = Score(right / found, right / wanted)
    with capsys.disabled():
        figures = f"precision {result.precision:.3f}, recall {result.recall:.3f}"
        print(f"\n{len(cases(name))} sentences, {name}, {what}: {figures}")
    return result


@pytest.mark.parametrize(
    ("what", "floor"),
    [("facts", 0.99), ("entities", 0.97), ("kinds", 0.96), ("relations", 0.95)],
)
def test_known_sentences_are_read_with_few_mistakes(
    what: str, floor: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(cases("sentences.jsonl")) >= 60
    precision, recall = score("sentences.jsonl", what, capsys)
    assert precision >= floor
    assert recall >= floor


@pytest.mark.parametrize(
    ("what", "precision_floor", "recall_floor"),
    [
        ("facts", 0.95, 0.95),
        ("entities", 0.9, 0.9),
        ("kinds", 0.85, 0.85),
        ("relations", 0.85, 0.85),
    ],
)
def test_unseen_sentences_are_read_nearly_as_well(
    what: str, precision_floor: float, recall_floor: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(cases("held_out.jsonl")) >= 20
    precision, recall = score("held_out.jsonl", what, capsys)
    assert precision >= precision_floor
    assert recall >= recall_floor


@pytest.mark.parametrize("name", ["sentences.jsonl", "held_out.jsonl"])
def test_a_fact_has_the_relations_of_the_sentence_it_came_from(name: str) -> None:
    """mem0 deletes by reading the fact again: the same edges must come out."""
    for case in cases(name):
        of_sentence = relations(case["text"])
        of_facts = {r for fact in extract_facts([case["text"]]) for r in relations(fact)}
        assert of_facts == of_sentence, case["text"]


def test_every_word_that_tells_something_is_in_the_facts() -> None:
    for name in ("sentences.jsonl", "held_out.jsonl"):
        for case in cases(name):
            if not case["facts"] or "?" in case["text"]:
                continue
            said = " ".join(extract_facts([case["text"]])).lower()
            for thing, _ in case["entities"]:
                first = thing.split()[0].lower()
                assert first == USER or first[:5] in said, (case["text"], thing)
