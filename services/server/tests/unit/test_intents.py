"""Intents that can never be carried out: set aside, told, and with a way out."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from memory_server.domain import GraphChange, Scope
from memory_server.graph import PermanentGraphError
from memory_server.history import PermanentHistoryError
from memory_server.intents import TRIES, Intent, Intents, _read_intent
from memory_server.maintenance import Hold


class Rows:
    """The table of intents as the repair asks for it, in memory."""

    def __init__(self, *rows: tuple[int, UUID, str, Any, Any]) -> None:
        self.rows = list(rows)
        self.parked: dict[UUID, str] = {}

    async def run(self, operation: str, work: Any, _timeout_s: float | None = None) -> Any:
        return await work(Asked(self))


class Asked:
    """Answers the statements of Intents, by their first words."""

    def __init__(self, table: Rows) -> None:
        self._table = table
        self._found: list[Any] = []

    async def execute(self, text: str, values: tuple[Any, ...] = ()) -> Asked:
        table = self._table
        statement = " ".join(text.split())
        if statement.startswith("SELECT seq"):
            self._found = [row for row in table.rows if row[0] > values[0] and row[1] not in table.parked]
        elif statement.startswith("UPDATE mem0_intents SET parked = true"):
            table.parked[values[1]] = values[0]
        elif statement.startswith("DELETE FROM mem0_intents WHERE id = ANY"):
            table.rows = [row for row in table.rows if row[1] not in values[0]]
        elif statement.startswith("SELECT count(*) FILTER"):
            self._found = [(len(table.rows) - len(table.parked), len(table.parked), sorted(set(table.parked.values())))]
        return self

    async def fetchall(self) -> list[Any]:
        return self._found

    async def fetchone(self) -> Any:
        return self._found[0] if self._found else None


class Stores:
    """A graph and a history that refuse what they are told to."""

    def __init__(self, *, graph: Exception | None = None, history: Exception | None = None) -> None:
        self.graph_fails = graph
        self.history_fails = history
        self.applied: list[str] = []
        self.written = 0

    async def apply(self, intent_id: str, _change: GraphChange) -> list[Any]:
        if self.graph_fails:
            raise self.graph_fails
        self.applied.append(intent_id)
        return []

    async def append(self, _entries: Any) -> None:
        if self.history_fails:
            raise self.history_fails
        self.written += 1

    async def forget_applied(self, _ids: list[str]) -> None:
        return


ENTRY = {
    "id": "1", "memory_id": "m", "old_memory": None, "new_memory": "x", "event": "ADD", "created_at": "c",
    "updated_at": "u",
}  # fmt: skip


def row(number: int, scope: str = "alice", history: Any = (ENTRY,)) -> tuple[int, UUID, str, Any, Any]:
    return (number, uuid4(), scope, GraphChange({"user_id": scope}).to_json(), list(history))


def intents(table: Rows, stores: Any) -> Intents:
    return Intents(table, stores, stores, Hold(), 1.0)  # type: ignore[arg-type]


async def test_what_the_history_refuses_for_good_is_parked_and_its_graph_half_done() -> None:
    table, stores = Rows(row(1)), Stores(history=PermanentHistoryError("InterfaceError"))
    repair = intents(table, stores)
    await repair.repair()
    assert (repair.pending, repair.parked) == (0, 1)
    assert repair.parked_reasons == ["the history refuses it (InterfaceError)"]
    assert stores.applied == [str(table.rows[0][1])]
    assert not repair.busy


async def test_what_follows_in_the_same_scope_goes_on() -> None:
    table, stores = Rows(row(1), row(2)), Stores(graph=PermanentGraphError("Neo.ClientError.Statement.TypeError"))
    repair = intents(table, stores)
    await repair.repair()
    assert repair.parked == 2
    assert stores.written == 2
    assert not repair.busy


async def test_an_intent_that_fails_in_a_way_nobody_foresaw_holds_nobody_up_for_good() -> None:
    table, stores = Rows(row(1)), Stores(graph=OverflowError("int too big"))
    repair = intents(table, stores)
    for _ in range(TRIES - 1):
        await repair.repair()
        assert (repair.pending, repair.parked) == (1, 0)
    await repair.repair()
    assert (repair.pending, repair.parked) == (0, 1)
    assert repair.parked_reasons == [f"failed {TRIES} times (OverflowError)"]


async def test_a_row_that_cannot_be_read_is_parked_and_the_others_are_done() -> None:
    broken = row(1, history=[{"unknown": 1}])
    table, stores = Rows(broken, row(2, "bob")), Stores()
    repair = intents(table, stores)
    await repair.repair()
    assert table.parked == {broken[1]: "cannot be read (TypeError)"}
    assert stores.written == 1


async def test_a_write_whose_graph_half_fails_unforeseen_is_still_a_write() -> None:
    table, stores = Rows(), Stores(graph=ValueError("odd"))
    repair = intents(table, stores)
    outcome = await repair.carry_out(Intent(1, uuid4(), "alice", GraphChange({"user_id": "alice"})))
    assert outcome.relations is None
    assert repair.busy


def test_what_an_older_version_left_for_those_without_a_user_is_not_done_to_a_user_of_that_name() -> None:
    left = GraphChange({"user_id": "user", "agent_id": "a"}).to_json()
    nobodys = _read_intent(1, uuid4(), Scope(agent_id="a").key(), left, [])
    assert nobodys.graph
    assert nobodys.graph.scope == {"user_id": "", "agent_id": "a"}
    users = _read_intent(2, uuid4(), Scope("user", "a").key(), left, [])
    assert users.graph
    assert users.graph.scope == {"user_id": "user", "agent_id": "a"}
