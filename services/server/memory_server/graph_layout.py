"""The graph of an older version is brought to the present layout, once, at the start and before it is served.

Versions before layout 2 filed what belongs to no user under the name `user`, as upstream does, and a user may be called
so. Whose an agent's or a run's entities are, the memories tell: where that user has none there, they are nobody's.
"""

from __future__ import annotations

from typing import Any

from memory_server import logs
from memory_server.collection import Collection
from memory_server.domain import NO_USER, SPEAKER, Scope
from memory_server.filters import condition
from memory_server.graph import LAYOUT, Graph
from memory_server.postgres import Connection, Postgres

BATCH = 2000
"""Entities changed in one transaction."""


async def bring_up_to_date(graph: Graph, postgres: Postgres, collection: Collection) -> None:
    """Harmless when repeated or broken off. Raises Problem."""
    found = await graph.layout("MATCH (n:Mem0Identity {only_one: true}) RETURN coalesce(n.layout, 1) AS layout")
    if not found or found[0]["layout"] >= LAYOUT:
        return
    changed = 0
    groups = await graph.layout(
        "MATCH (n:__Entity__ {user_id: $user}) WHERE n.agent_id IS NOT NULL OR n.run_id IS NOT NULL "
        "RETURN DISTINCT n.agent_id AS agent, n.run_id AS run",
        user=SPEAKER,
    )
    for group in groups:
        if not await _has_memories(postgres, collection, Scope(SPEAKER, group["agent"], group["run"])):
            changed += await _take_the_user_off(graph, group)
    await graph.layout("MATCH (n:Mem0Identity {only_one: true}) SET n.layout = $layout", layout=LAYOUT)
    logs.server.info("the graph has the present layout", extra={"fields": {"layout": LAYOUT, "entities": changed}})


async def _has_memories(postgres: Postgres, collection: Collection, scope: Scope) -> bool:
    where = condition(scope)

    async def read(conn: Connection) -> bool:
        return await collection.any(conn, where)

    return await postgres.run("layout", read)


async def _take_the_user_off(graph: Graph, group: dict[str, Any]) -> int:
    text = """
        MATCH (n:__Entity__ {user_id: $user})
        WHERE coalesce(n.agent_id, '') = $agent AND coalesce(n.run_id, '') = $run
        WITH n LIMIT $batch SET n.user_id = $nobody RETURN count(n) AS changed"""
    values = {"agent": group["agent"] or "", "run": group["run"] or "", "user": SPEAKER, "nobody": NO_USER}
    total = 0
    while changed := (await graph.layout(text, **values, batch=BATCH))[0]["changed"]:
        total += changed
    return total
