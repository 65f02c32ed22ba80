"""Intents: what a committed write still has to do in the graph and the history.

A write changes the memories in Postgres and leaves, in the same transaction, an intent row. After the commit the
intent is carried out at once; where that fails, or the process ends first, the repair does it later. Repeats are
harmless: history entries have fixed ids, the graph remembers which intents it has seen. Graph changes of one scope
are carried out in the order in which they were committed. While a backup holds the graph and the history, intents
wait; the repair does them afterwards.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from memory_server import logs
from memory_server.domain import NO_USER, GraphChange, HistoryEntry, Relation, Scope
from memory_server.errors import Problem
from memory_server.graph import Graph, PermanentGraphError
from memory_server.history import History, PermanentHistoryError
from memory_server.maintenance import Hold
from memory_server.postgres import Connection, Postgres

REPAIR_BATCH = 200
NO_USERS_KEY = Scope(agent_id="a").key().partition("a")[0]
"""How the key of a scope without a user begins."""
TRIES = 5
"""Failures that nobody foresaw, after which an intent is set aside: one must not hold up all others."""


@dataclass(frozen=True)
class Parked:
    """An intent that was set aside: what a store refused for good, and why."""

    id: UUID
    scope: str
    since: datetime
    reason: str


@dataclass(frozen=True)
class Intent:
    """One row of `mem0_intents`."""

    seq: int
    id: UUID
    scope: str
    graph: GraphChange | None = None
    history: list[HistoryEntry] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What has been carried out: the relations as the graph has them, or None while that is still to be done."""

    relations: list[Relation] | None


class Intents:
    """Records intents, carries them out, repairs."""

    def __init__(self, postgres: Postgres, graph: Graph, history: History, hold: Hold, interval_s: float) -> None:
        self._postgres = postgres
        self._graph = graph
        self._history = history
        self._hold = hold
        self._interval_s = interval_s
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_hand: set[UUID] = set()
        # Scopes with an intent that failed: later ones of the same scope wait for the repair, to keep the order.
        self._behind: set[str] = set()
        # Scopes with an intent that was left while a repair was at work, which may not have seen it any more.
        self._left: set[str] = set()
        self._finished: list[Intent] = []
        # Marks in the graph of rows that are gone.
        self._spent_marks: list[str] = []
        self._repairing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._tries: defaultdict[UUID, int] = defaultdict(int)
        self.pending = 0
        self.parked = 0
        self.parked_reasons: list[str] = []

    @property
    def busy(self) -> bool:
        """Whether anything is left to do in the graph or the history."""
        return bool(self._in_hand or self._finished or self._behind or self.pending)

    async def record(
        self, conn: Connection, scope: str, graph: GraphChange | None, history: Sequence[HistoryEntry]
    ) -> Intent:
        """Leave an intent in the transaction of `conn`. Call `carry_out` after the commit."""
        row = await (
            await conn.execute(
                "INSERT INTO mem0_intents (scope, graph, history) VALUES (%s, %s, %s) RETURNING seq, id",
                (scope, Jsonb(graph.to_json()) if graph else None, Jsonb([asdict(entry) for entry in history])),
            )
        ).fetchone()
        assert row is not None  # noqa: S101 - INSERT ... RETURNING has one row
        intent = Intent(row[0], row[1], scope, graph, list(history))
        self._in_hand.add(intent.id)
        return intent

    def release(self, intent: Intent) -> None:
        """The transaction of `record` did not commit for sure: leave the row, if there is one, to the repair."""
        self._in_hand.discard(intent.id)
        self._wake.set()

    async def carry_out(self, intent: Intent) -> Outcome:
        """Do a committed intent now. What cannot be done now is left to the repair; this does not fail."""
        try:
            async with self._locks[intent.scope]:
                if self._hold.active or (intent.graph and intent.scope in self._behind):
                    self._behind.add(intent.scope)
                    self._left.add(intent.scope)
                    return Outcome(None)
                return await self._do(intent)
        except Exception as error:  # noqa: BLE001 - the write is stored; what remains of it is the repair's
            self._behind.add(intent.scope)
            failed = error.extra.get("failed") if isinstance(error, Problem) else type(error).__name__
            fields = {"intent": str(intent.id), "failed": failed}
            logs.server.warning("intent left to the repair", extra={"fields": fields})
            self._wake.set()
            return Outcome(None)
        finally:
            self._in_hand.discard(intent.id)
            if not self._locks[intent.scope].locked():
                self._locks.pop(intent.scope, None)

    async def _do(self, intent: Intent) -> Outcome:
        relations: list[Relation] = []
        refused: list[str] = []
        with self._hold.change():
            if intent.history:
                try:
                    await self._history.append(intent.history)
                except PermanentHistoryError as error:
                    refused.append(f"the history refuses it ({error})")
            if intent.graph:
                try:
                    relations = await self._graph.apply(str(intent.id), intent.graph)
                except PermanentGraphError as error:
                    refused.append(f"the graph refuses it ({error})")
        if refused:
            await self._park(intent.id, "; ".join(refused))
            return Outcome(None)
        self._finished.append(intent)
        self._wake.set()
        return Outcome(relations)

    async def _park(self, intent_id: UUID, reason: str) -> None:
        """Set an intent aside that can never be carried out, so that the ones behind it can go on."""
        logs.server.error("intent parked", extra={"fields": {"intent": str(intent_id), "reason": reason}})

        async def mark(conn: Connection) -> None:
            await conn.execute("UPDATE mem0_intents SET parked = true, error = %s WHERE id = %s", (reason, intent_id))

        await self._postgres.run("park_intent", mark)
        self._tries.pop(intent_id, None)

    async def parked_intents(self, limit: int) -> list[Parked]:
        """The intents that were set aside, oldest first. Raises Problem 503."""

        async def read(conn: Connection) -> list[Parked]:
            text = (
                "SELECT id, scope, created_at, coalesce(error, '') FROM mem0_intents WHERE parked ORDER BY seq LIMIT %s"
            )
            return [Parked(*row) for row in await (await conn.execute(text, (limit,))).fetchall()]

        return await self._postgres.run("parked_intents", read)

    async def unpark(self, intent_id: UUID) -> bool:
        """Let the repair try again; False when there is no such intent that was set aside."""

        async def change(conn: Connection) -> bool:
            text = "UPDATE mem0_intents SET parked = false, error = NULL WHERE id = %s AND parked RETURNING id"
            return await (await conn.execute(text, (intent_id,))).fetchone() is not None

        found = await self._postgres.run("unpark_intent", change)
        self.wake()
        return found

    async def give_up(self, intent_id: UUID) -> bool:
        """Forget an intent that was set aside; the memories it is about stay. False when there is none."""

        async def change(conn: Connection) -> bool:
            text = "DELETE FROM mem0_intents WHERE id = %s AND parked RETURNING id"
            return await (await conn.execute(text, (intent_id,))).fetchone() is not None

        found = await self._postgres.run("give_up_intent", change)
        if found:
            self._spent_marks.append(str(intent_id))
        self.wake()
        return found

    async def run(self) -> None:
        """Repair for ever: when woken, and every interval. Ends when cancelled."""
        while True:
            try:
                await self.repair()
            except Problem as problem:
                logs.server.warning("repair waits", extra={"fields": {"reason": problem.detail}})
            except Exception:  # noqa: BLE001 - the repair must outlive any single failure
                logs.server.exception("repair failed")
            try:
                async with asyncio.timeout(self._interval_s):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()
            if self._behind:
                # Something just failed: give it a moment instead of asking again at once.
                await asyncio.sleep(min(1.0, self._interval_s))

    async def try_repair(self) -> None:
        """Repair once. What cannot be done now is done later; this does not fail."""
        try:
            await self.repair()
        except Problem:
            self._wake.set()

    async def repair(self) -> None:
        """Clear what is finished, then do what is left, oldest first. Raises Problem when a store does not answer."""
        async with self._repairing:
            await self._clear_finished()
            after = 0
            failed: set[str] = set()
            self._left = set()
            while not self._hold.active and (rows := await self._load(after)):
                for intent in rows:
                    after = intent.seq
                    if intent.id in self._in_hand or intent.scope in failed:
                        continue
                    async with self._locks[intent.scope]:
                        if not await self._again(intent):
                            failed.add(intent.scope)
            self._behind = (self._behind if self._hold.active else failed) | self._left
            await self._clear_finished()
            await self._count()
            await self._drop_marks()

    async def _again(self, intent: Intent) -> bool:
        """Do an intent that is left; False when it has to wait longer."""
        if self._hold.active:
            return False
        try:
            await self._do(intent)
        except Problem:
            return False
        except Exception as error:  # noqa: BLE001 - the others must go on, whatever this one does
            self._tries[intent.id] += 1
            logs.server.exception("repair failed", extra={"fields": {"intent": str(intent.id)}})
            if self._tries[intent.id] < TRIES:
                return False
            await self._park(intent.id, f"failed {TRIES} times ({type(error).__name__})")
        return True

    async def _load(self, after: int) -> list[Intent]:
        async def read(conn: Connection) -> list[tuple[Any, ...]]:
            text = """
                SELECT seq, id, scope, graph, history FROM mem0_intents
                WHERE seq > %s AND NOT parked ORDER BY seq LIMIT %s"""
            return await (await conn.execute(text, (after, REPAIR_BATCH))).fetchall()

        finished = {intent.id for intent in self._finished}
        loaded = []
        for row in await self._postgres.run("load_intents", read):
            if row[1] in finished:
                continue
            try:
                loaded.append(_read_intent(*row))
            except (TypeError, KeyError, ValueError) as error:
                await self._park(row[1], f"cannot be read ({type(error).__name__})")
        return loaded

    async def _clear_finished(self) -> None:
        """Delete the rows of what has been done."""
        done, self._finished = self._finished, []
        keys = [intent.id for intent in done]

        async def delete(conn: Connection) -> None:
            await conn.execute("DELETE FROM mem0_intents WHERE id = ANY(%s)", (keys,))

        if done:
            try:
                await self._postgres.run("clear_intents", delete)
            except BaseException:
                self._finished = done + self._finished
                raise
            self._spent_marks += [str(intent.id) for intent in done if intent.graph]

    async def _drop_marks(self) -> None:
        """After the rows: a row whose mark is gone would be done twice."""
        if self._spent_marks and not self._hold.active:
            with self._hold.change():
                await self._graph.forget_applied(self._spent_marks)
            self._spent_marks = []

    def wake(self) -> None:
        """Let the repair look now at what is left."""
        self._wake.set()

    async def sweep(self) -> None:
        """At start, before anything is written: drop marks whose rows are gone. Raises Problem."""

        async def read(conn: Connection) -> list[str]:
            rows = await (await conn.execute("SELECT id FROM mem0_intents")).fetchall()
            return [str(row[0]) for row in rows]

        await self._graph.keep_applied(await self._postgres.run("intent_ids", read))

    async def _count(self) -> None:
        async def read(conn: Connection) -> tuple[Any, ...] | None:
            text = """
                SELECT count(*) FILTER (WHERE NOT parked), count(*) FILTER (WHERE parked),
                    coalesce((array_agg(DISTINCT error) FILTER (WHERE parked))[:5], '{}')
                FROM mem0_intents"""
            return await (await conn.execute(text)).fetchone()

        row = await self._postgres.run("count_intents", read)
        self.pending, self.parked, self.parked_reasons = (int(row[0]), int(row[1]), row[2]) if row else (0, 0, [])


async def deletion_waits(conn: Connection, memory_id: UUID) -> bool:
    """Whether the history has still to learn that a memory of this id was deleted."""
    found = await conn.execute(
        "SELECT 1 FROM mem0_intents WHERE history @> %s LIMIT 1",
        (Jsonb([{"memory_id": str(memory_id), "event": "DELETE"}]),),
    )
    return await found.fetchone() is not None


def _read_intent(seq: int, key: UUID, scope: str, graph: Any, past: Any) -> Intent:
    """An intent from its row. Raises TypeError, KeyError or ValueError for one that no version of ours wrote."""
    change = GraphChange.from_json(graph) if graph else None
    if change and scope.startswith(NO_USERS_KEY) and change.scope.get("user_id"):
        # Left by a version that gave those without a user a name that a user may bear.
        change = replace(change, scope={**change.scope, "user_id": NO_USER})
    return Intent(seq, key, scope, change, [HistoryEntry.from_json(entry) for entry in past])
