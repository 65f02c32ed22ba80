"""Commits: one transaction in Postgres, then the rest of the write in the other stores, in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from memory_server.domain import GraphChange, HistoryEntry
from memory_server.intents import Intent, Intents, Outcome
from memory_server.postgres import Connection, Postgres

T = TypeVar("T")

Leave = Callable[[str, GraphChange | None, Sequence[HistoryEntry]], Awaitable[None]]
"""Called in the transaction: what remains to be done for a scope in the graph and the history."""


class Commits:
    """The only way memories are written."""

    def __init__(self, postgres: Postgres, intents: Intents, patience_s: float) -> None:
        self._postgres = postgres
        self._intents = intents
        self._patience_s = patience_s

    async def commit(
        self, operation: str, write: Callable[[Connection, Leave], Awaitable[T]], timeout_s: float | None = None
    ) -> tuple[T, Outcome]:
        """Run `write` in one transaction, then carry out what it left.

        Nothing is stored when this raises Problem before the commit is sent; should the answer to the commit itself
        be lost, the write is either absent or whole, and the repair finishes it.
        """
        left: list[Intent] = []
        given_up = False

        async def transaction(conn: Connection) -> T:
            async def leave(scope: str, graph: GraphChange | None, history: Sequence[HistoryEntry]) -> None:
                if graph or history:
                    left.append(await self._intents.record(conn, scope, graph, history))
                    if given_up:
                        # Nobody waits for this transaction any more, and it may get here all the same.
                        self._intents.release(left[-1])

            return await write(conn, leave)

        try:
            result = await self._postgres.run(operation, transaction, timeout_s)
        except BaseException:
            given_up = True
            for intent in left:
                self._intents.release(intent)
            raise
        return result, await self._carry_out(left)

    async def _carry_out(self, intents: list[Intent]) -> Outcome:
        """The client waits this long and no longer; the work goes on."""
        if not intents:
            return Outcome([])
        task = asyncio.create_task(self._all(intents))
        done, _ = await asyncio.wait({task}, timeout=self._patience_s)
        return task.result() if done else Outcome(None)

    async def _all(self, intents: list[Intent]) -> Outcome:
        outcomes = [await self._intents.carry_out(intent) for intent in intents]
        if any(outcome.relations is None for outcome in outcomes):
            return Outcome(None)
        return Outcome([relation for outcome in outcomes for relation in outcome.relations or []])

    async def settle(self) -> None:
        """Carry out what a statement left by itself, without waiting longer than the client should."""
        task = asyncio.create_task(self._intents.try_repair())
        await asyncio.wait({task}, timeout=self._patience_s)
