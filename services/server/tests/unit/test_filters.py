from __future__ import annotations

from typing import Any

import pytest

from memory_server.domain import Scope
from memory_server.errors import Problem
from memory_server.filters import MAX_CONDITIONS, MAX_DEPTH, condition

NOBODY = Scope()


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"a": {"like": "x"}}, "unknown operator"),
        ({"a": {}}, "no operator"),
        ({"a": {"in": "x"}}, "take a list"),
        ({"a": {"gt": True}}, "number or a text"),
        ({"a": {"gt": None}}, "number or a text"),
        ({"a": {"icontains": 3}}, "takes a text"),
        ({"created_at": {"gte": "yesterday"}}, "ISO 8601"),
        ({"updated_at": {"lt": 7}}, "ISO 8601"),
        ({"created_at": "yesterday"}, "ISO 8601"),
        ({"updated_at": {"nin": ["2025-07-25", "now"]}}, "ISO 8601"),
        ({"AND": {}}, "takes a list"),
        ({"OR": []}, "at least one"),
        ({"NOT": ["x"]}, "is an object"),
        ({"AND": [{}]}, "at least one member"),
        ({f"k{n}": 1 for n in range(MAX_CONDITIONS + 1)}, "more than"),
    ],
)
def test_a_bad_filter_is_a_400_that_says_what_is_wrong(filters: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem, match=words) as caught:
        condition(NOBODY, filters)
    assert caught.value.status == 400


def test_nesting_is_bounded() -> None:
    deep: dict[str, Any] = {"a": 1}
    for _ in range(MAX_DEPTH + 1):
        deep = {"AND": [deep]}
    with pytest.raises(Problem, match="deep"):
        condition(NOBODY, deep)


def test_values_and_keys_are_parameters_never_text() -> None:
    evil = "'; DROP TABLE memories; --"
    where, values = condition(Scope(evil), {evil: evil, "NOT": [{evil: {"in": [evil, 1]}}]})
    assert "DROP" not in where.as_string(None)
    assert where.as_string(None).count("%s") == len(values)


def test_a_scope_is_compared_by_the_indexed_expressions() -> None:
    where, values = condition(Scope("alice", run_id="r"))
    assert where.as_string(None) == "payload->>'user_id' = %s AND payload->>'run_id' = %s"
    assert values == ["alice", "r"]


def test_no_scope_and_no_filter_is_everything() -> None:
    assert condition(NOBODY)[0].as_string(None) == "true"


@pytest.mark.parametrize(
    ("key", "operand", "by_time"),
    [
        ("created_at", "2025-07-25", True),
        ("due", "2025-07-24T20:00:00-07:00", True),
        ("due", "2025-07-25", False),
        ("name", "Z", False),
    ],
)
def test_moments_are_compared_as_such_and_texts_as_texts(key: str, operand: str, by_time: bool) -> None:
    for op, value in {"gt": operand, "eq": operand, "ne": operand, "in": [operand, 3], "nin": [operand]}.items():
        where, values = condition(NOBODY, {key: {op: value}})
        assert ("timestamptz" in where.as_string(None)) is by_time
        assert where.as_string(None).count("%s") == len(values)
