"""Scopes in Cypher: which nodes belong to one, and which relations it has told.

An entity's node bears the ids of the scope that named it first, and wider scopes use it too. So each relation keeps in
`told_by` who told it: texts `[agent, run]` in JSON, null where there was none. The empty text stands for "as its nodes
say": the mark of relations from before there were marks, and of those that upstream writes.
"""

from __future__ import annotations

import json
from typing import Any

NARROWING = ("agent_id", "run_id")


def props(scope: dict[str, str], name: str | None = None) -> str:
    """The map of node properties in a pattern. Keys are our own three, values stay parameters."""
    members = [f"{key}: $scope.{key}" for key in ("user_id", *NARROWING) if key in scope]
    if name:
        members.insert(0, f"name: {name}")
    return "{" + ", ".join(members) + "}"


def parameters(scope: dict[str, str]) -> dict[str, Any]:
    """The value of `$scope` for all that this module writes."""
    agent, run = (scope.get(key) for key in NARROWING)
    return {
        **scope,
        "by_agent": f"{_json([agent])[:-1]},",
        "by_run": f",{_json([run])[1:]}",
    }


def mark(agent: str | None, run: str | None) -> str:
    """What an agent, a run of it, or (both absent) the user alone leaves in `told_by`."""
    return _json([agent or None, run or None])


def tellers(marks: list[str], agent: str | None, run: str | None) -> list[list[str | None]]:
    """Who told a relation, as pairs of agent and run. `agent` and `run` are what its nodes say, for the mark of that.

    What no version of ours has written tells of nobody.
    """
    found = []
    for text in marks:
        try:
            pair = json.loads(text) if text else [agent, run]
        except ValueError:
            continue
        if isinstance(pair, list) and len(pair) == 2 and all(name is None or isinstance(name, str) for name in pair):
            found.append(pair)
    return found


def _json(value: list[str | None]) -> str:
    return json.dumps(value, separators=(",", ":"))


def by(scope: dict[str, str], mark: str) -> str:
    """Whether a mark names the scope, or one within it. Quotes within a name are escaped: no name ends a mark early."""
    parts = {"agent_id": f"{mark} STARTS WITH $scope.by_agent", "run_id": f"{mark} ENDS WITH $scope.by_run"}
    return " AND ".join(parts[key] for key in NARROWING if key in scope)


def told(scope: dict[str, str]) -> str:
    """Condition: a relation `r` between two nodes of the scope is valid, and the scope told it."""
    valid = "(r.valid IS NULL OR r.valid)"
    if not is_narrow(scope):
        return valid
    return f"{valid} AND any(t IN coalesce(r.told_by, ['']) WHERE t = '' OR {by(scope, 't')})"


TELL = "r.told_by = coalesce(r.told_by, ['']) + [t IN $tellers WHERE NOT t IN coalesce(r.told_by, [''])]"
"""Assignment: those with these marks have told the relation `r` too; a new one has an empty list."""


def is_narrow(scope: dict[str, str]) -> bool:
    """Whether the scope is part of what a user has: an agent's, a run's."""
    return any(key in scope for key in NARROWING)


def forgetting(scope: dict[str, str]) -> list[str]:
    """Statements that take a scope out of the graph: what another one told as well, or alone, stays."""
    node = f"(n:__Entity__ {props(scope)})"
    if not is_narrow(scope):
        return [f"MATCH {node} DETACH DELETE n"]
    teller = by(scope, "t")
    still = {
        key: f"EXISTS {{ MATCH (n)-[r]-() WHERE any(t IN coalesce(r.told_by, []) WHERE {by({key: ''}, 't')}) }}"
        for key in NARROWING
        if key in scope
    }
    drop = " ".join(f"FOREACH (_ IN CASE WHEN {key} THEN [] ELSE [1] END | REMOVE n.{key})" for key in still)
    return [
        f"""MATCH {node}-[r]->(m:__Entity__ {props(scope)})
            WITH r, [t IN coalesce(r.told_by, ['']) WHERE NOT (t = '' OR {teller})] AS others
            SET r.told_by = others
            WITH r WHERE size(r.told_by) = 0 DELETE r""",
        f"MATCH {node} WHERE NOT (n)--() DELETE n",
        f"MATCH {node} WITH n, {', '.join(f'{kept} AS {key}' for key, kept in still.items())} {drop}",
    ]
