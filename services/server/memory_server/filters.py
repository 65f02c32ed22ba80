"""Metadata filters of a request, as a condition on the payload column.

Upstream's forms: `{"key": value}`, `{"key": {"gte": 10}}`, `{"key": "*"}`, `{"AND": [...]}`, `{"OR": [...]}`,
`{"NOT": [...]}`. Upstream turns every value into text and compares for equality only; here numbers compare as
numbers, true as true, and every operator works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from memory_server import moments
from memory_server.domain import Scope
from memory_server.errors import Problem

MAX_DEPTH = 8
MAX_CONDITIONS = 64
MOMENTS = ("created_at", "updated_at")
"""Members that are points in time, whatever a filter compares them with."""
COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

Condition = tuple[sql.Composable, list[Any]]


def condition(scope: Scope, filters: Mapping[str, Any] | None = None) -> Condition:
    """A WHERE expression with its parameters for a scope and a request's filters. Raises Problem 400.

    The scope's ids are compared as `payload->>'user_id' = ...`, the expressions that the indexes are on.
    """
    parts: list[sql.Composable] = []
    values: list[Any] = []
    for name, value in scope.ids().items():
        parts.append(sql.SQL("payload->>{} = %s").format(sql.Literal(name)))
        values.append(value)
    if filters:
        builder = _Builder()
        parts.append(builder.group(filters, 0))
        values.extend(builder.values)
    if not parts:
        return sql.SQL("true"), []
    return sql.SQL(" AND ").join(parts), values


class _Builder:
    """Collects the parameters in the order in which their placeholders are written."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._conditions = 0

    def group(self, filters: Any, depth: int) -> sql.Composable:
        if not isinstance(filters, Mapping) or not filters:
            raise _bad("a filter is an object with at least one member")
        if depth > MAX_DEPTH:
            raise _bad(f"nested more than {MAX_DEPTH} deep")
        return _join(" AND ", [self._member(str(key), value, depth) for key, value in filters.items()])

    def _member(self, key: str, value: Any, depth: int) -> sql.Composable:
        if key in {"AND", "OR", "NOT"}:
            if not isinstance(value, list) or not value:
                raise _bad(f"{key} takes a list with at least one filter")
            groups = [self.group(item, depth + 1) for item in value]
            if key == "NOT":
                # None of the listed filters holds; a member that is missing does not hold.
                return sql.SQL("NOT coalesce({}, false)").format(_join(" OR ", groups))
            return _join(f" {key} ", groups)
        if isinstance(value, Mapping):
            if not value:
                raise _bad(f"{key} has no operator")
            return _join(" AND ", [self._compare(key, str(op), operand) for op, operand in value.items()])
        if value == "*":
            return self._emit("payload->%s IS NOT NULL", key)
        return self._compare(key, "eq", value)

    def _compare(self, key: str, op: str, operand: Any) -> sql.Composable:
        build = _OPERATORS.get(op)
        if build is None:
            raise _bad(f"{key}: unknown operator {op!r}; there are {', '.join(_OPERATORS)}")
        return build(self, key, operand)

    def _emit(self, text: str, *values: Any) -> sql.Composable:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise _bad(f"more than {MAX_CONDITIONS} conditions")
        self.values.extend(values)
        return sql.SQL(text)

    def eq(self, key: str, operand: Any) -> sql.Composable:
        if isinstance(operand, str):
            return self._texts(key, [operand])
        return self._emit("payload->%s = %s", key, Jsonb(operand))

    def ne(self, key: str, operand: Any) -> sql.Composable:
        if isinstance(operand, str):
            return sql.SQL("NOT coalesce({}, false)").format(self.eq(key, operand))
        return self._emit("payload->%s IS DISTINCT FROM %s", key, Jsonb(operand))

    def one_of(self, key: str, operand: Any) -> sql.Composable:
        if not isinstance(operand, list):
            raise _bad(f"{key}: in and nin take a list")
        texts = [item for item in operand if isinstance(item, str)]
        others = [Jsonb(item) for item in operand if not isinstance(item, str)]
        return _join(" OR ", [self._texts(key, texts), self._emit("payload->%s = ANY(%s::jsonb[])", key, others)])

    def _texts(self, key: str, operands: list[str]) -> sql.Composable:
        """One of these texts, or one of the moments that they name: the same one has as many spellings as zones."""
        found = []
        for operand in operands:
            try:
                if key in MOMENTS or moments.names_a_moment(operand):
                    found.append(moments.parse(operand))
            except ValueError as error:
                if key in MOMENTS:
                    raise _bad(f"{key} {error}") from None
        # A text also matches a number or truth value written the same, as it does upstream.
        same = self._emit("payload->>%s = ANY(%s::text[])", key, operands)
        return _join(" OR ", [same, self._at(key, "= ANY(%s)", found)]) if found else same

    def none_of(self, key: str, operand: Any) -> sql.Composable:
        return sql.SQL("NOT coalesce({}, false)").format(self.one_of(key, operand))

    def contains(self, key: str, operand: Any) -> sql.Composable:
        """A text within a text, or an element of a list."""
        if not isinstance(operand, str):
            return self._emit("payload->%s @> %s", key, Jsonb([operand]))
        return self._emit(
            "CASE jsonb_typeof(payload->%s) WHEN 'string' THEN strpos(payload->>%s, %s) > 0 "
            "WHEN 'array' THEN payload->%s ? %s ELSE false END",
            *(key, key, operand, key, operand),
        )

    def icontains(self, key: str, operand: Any) -> sql.Composable:
        if not isinstance(operand, str):
            raise _bad(f"{key}: icontains takes a text")
        return self._emit("strpos(lower(payload->>%s), lower(%s)) > 0", key, operand)

    def ordered(self, key: str, op: str, operand: Any) -> sql.Composable:
        sign = COMPARE[op]
        if isinstance(operand, bool) or not isinstance(operand, str | int | float):
            raise _bad(f"{key}: {op} takes a number or a text")
        if key in MOMENTS or (isinstance(operand, str) and moments.names_a_moment(operand)):
            return self._by_time(key, op, operand)
        if isinstance(operand, str):
            # Dates in ISO 8601 order as texts do, in the C collation.
            compared = f"""payload->>%s COLLATE "C" {sign} %s"""
            return self._emit(f"(jsonb_typeof(payload->%s) = 'string' AND {compared})", key, key, operand)
        compared = f"(payload->>%s)::numeric {sign} %s"
        # CASE, because AND does not promise that the cast is tried on numbers only.
        return self._emit(
            f"CASE jsonb_typeof(payload->%s) WHEN 'number' THEN {compared} ELSE false END", key, key, operand
        )

    def _by_time(self, key: str, op: str, operand: Any) -> sql.Composable:
        try:
            moment = moments.parse(operand)
        except ValueError as error:
            raise _bad(f"{key}: {op} {error}") from None
        return self._at(key, f"{COMPARE[op]} %s", moment)

    def _at(self, key: str, compared: str, operand: Any) -> sql.Composable:
        """A member that is a moment, as the operand says."""
        # Postgres also reads "yesterday" and the like, which name another moment whenever they are asked.
        is_one = r"payload->>%s ~ '^\d{4}-\d\d-\d\d' AND pg_input_is_valid(payload->>%s, 'timestamptz')"
        text = f"CASE WHEN {is_one} THEN (payload->>%s)::timestamptz {compared} ELSE false END"
        return self._emit(text, key, key, key, operand)


def _ordered(op: str) -> Callable[[_Builder, str, Any], sql.Composable]:
    return lambda builder, key, operand: builder.ordered(key, op, operand)


_OPERATORS: dict[str, Callable[[_Builder, str, Any], sql.Composable]] = {
    "eq": _Builder.eq,
    "ne": _Builder.ne,
    "in": _Builder.one_of,
    "nin": _Builder.none_of,
    **{op: _ordered(op) for op in COMPARE},
    "contains": _Builder.contains,
    "icontains": _Builder.icontains,
}


def _join(word: str, parts: list[sql.Composable]) -> sql.Composable:
    return sql.SQL("({})").format(sql.SQL(word).join(parts))


def _bad(reason: str) -> Problem:
    return Problem(400, "bad-filter", f"filters: {reason}.")
