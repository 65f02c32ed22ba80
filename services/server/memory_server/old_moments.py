"""Moments that were stored by upstream, or by an older version, are rewritten in the one form that is stored now.

Lists are ordered by these texts, as their indexes are, and texts of different zones are in no order of time. It is done
behind the back of a server that works already, at every start: another one may have written to the table meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from memory_server import logs, moments
from memory_server.collection import Collection
from memory_server.errors import Problem
from memory_server.maintenance import Gate
from memory_server.postgres import Connection, Postgres

MEMBERS = ("created_at", "updated_at")
BATCH = 200
PAUSE_S = 0.1
"""Between two batches, so that they take no more than their share of the database."""
RETRY_S = 5.0


async def rewrite(postgres: Postgres, collection: Collection, gate: Gate) -> int:
    """Go through all memories once, in bounded steps. Returns how many were rewritten."""
    last, changed = UUID(int=0), 0
    while True:

        async def step(conn: Connection, last: UUID = last) -> tuple[UUID | None, int]:
            rows = await collection.with_other_moments(conn, last, BATCH)
            better = [(key, found) for key, payload in rows if (found := _rewritten(payload))]
            await collection.merge(conn, better)
            return (rows[-1][0] if rows else None), len(better)

        try:
            with gate.write():
                reached, count = await postgres.run("rewrite_moments", step)
        except Problem:
            await asyncio.sleep(RETRY_S)
            continue
        changed += count
        if reached is None:
            break
        last = reached
        await asyncio.sleep(PAUSE_S)
    if changed:
        logs.server.info("moments rewritten", extra={"fields": {"memories": changed}})
    return changed


def _rewritten(payload: dict[str, Any]) -> dict[str, str]:
    """Those members that name a moment in another form; what names none stays as it is."""
    stored = {name: moments.stored_if_any(payload.get(name)) for name in MEMBERS}
    return {name: text for name, text in stored.items() if text != payload.get(name)}
