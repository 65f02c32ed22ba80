"""Identity: these stores are the ones this stack was deployed with, or the server does not work on them.

Each store holds the instance id, the embedder and its dimensions, written at the first start. A store that holds
another identity is foreign; one that holds none although the others do has lost its data, or is another one under
the same name. Neither is served: an empty database behind a healthy API once went unnoticed for weeks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from memory_server import logs
from memory_server.collection import Collection
from memory_server.domain import now
from memory_server.errors import Problem
from memory_server.graph import Graph, PermanentGraphError
from memory_server.graph_layout import bring_up_to_date
from memory_server.history import History
from memory_server.model_client import ModelClient, ModelError
from memory_server.postgres import Connection, Postgres
from memory_server.schema import create_tables, table_dimensions
from memory_server.settings import Settings

RETRY_S = 1.0


class Refused(Exception):
    """The stores are not the ones deployed. The text says which, why, and the command that helps."""


@dataclass(frozen=True)
class Stored:
    """The identity in Postgres; the flags tell which other store has been bound to it."""

    instance_id: str
    embedder: str
    dimensions: int
    graph_bound: bool
    history_bound: bool


@dataclass
class Readiness:
    """Which stores have been found to be ours, and what is waited for."""

    postgres: bool = False
    graph: bool = False
    history: bool = False
    waiting_for: str = "Postgres"
    refused: str | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def complete(self) -> bool:
        """All three are ours."""
        return self.postgres and self.graph and self.history

    @property
    def serves(self) -> bool:
        """All three are ours, and none has been swapped since."""
        return self.complete and not self.refused


class Identity:
    """Establishes the identity at start and checks it on every new connection."""

    def __init__(
        self,
        settings: Settings,
        postgres: Postgres,
        graph: Graph,
        history: History,
        model: ModelClient,
        before_writes: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._before_writes = before_writes
        self._postgres = postgres
        self._graph = graph
        self._history = history
        self._model = model
        self.readiness = Readiness()

    async def establish(self) -> None:
        """Try until all stores are there and ours. Raises Refused as soon as one is not."""
        while True:
            try:
                await self._once()
            except Problem as problem:
                self._wait_for(str(problem.extra.get("reason", problem.detail)))
            except PermanentGraphError as error:
                self._wait_for(f"Neo4j refused: {error}")
            except ModelError as error:
                self._wait_for(f"The model {error}")
            else:
                self.readiness.waiting_for = ""
                logs.server.info("all stores are there", extra={"fields": {"instance": self._settings.instance_id}})
                return
            await asyncio.sleep(RETRY_S)

    def _wait_for(self, reason: str) -> None:
        if reason != self.readiness.waiting_for:
            logs.server.warning("waiting", extra={"fields": {"for": reason}})
        self.readiness.waiting_for = reason

    async def _once(self) -> None:
        if not self.readiness.history:
            await self._history.open()
        past = await self._history.identity()
        stored = await self._postgres.run("identity", self._read)
        if stored is None:
            await self._first_start(past)
            stored = await self._postgres.run("identity", self._read)
            assert stored is not None  # noqa: S101 - just written
        self._same("The Postgres database", (stored.instance_id, stored.embedder, stored.dimensions))
        await self._postgres.run("create_tables", self._create_tables, self._settings.store_timeout_s * 4)
        self._postgres.on_connect = self._check_connection
        self.readiness.postgres = True
        await self._bind_history(stored, past)
        self.readiness.history = True
        await self._bind_graph(stored)
        await self._before_writes()
        self._graph.instance_id = self._settings.instance_id
        self.readiness.graph = True

    async def _first_start(self, past: tuple[str, str, int] | None) -> None:
        """Bind an empty Postgres, if all else is empty too."""
        where = f"{self._settings.postgres_db} on {self._settings.postgres_host}"
        if past:
            raise Refused(
                f"The Postgres database {where} is empty, but the history file says that instance {past[0]} has been "
                f"in use. {_HELP}"
            )
        if graph := await self._graph.identity():
            raise Refused(
                f"The Postgres database {where} is empty, but Neo4j holds the graph of instance {graph[0]}. {_HELP}"
            )
        if not self._settings.adopt_existing_data:
            rows = await self._postgres.run("rows_exist", self._rows_exist)
            if rows or await self._graph.entities_exist():
                store = f"Postgres ({where})" if rows else "Neo4j"
                raise Refused(
                    f"{store} holds memories, but no identity: they were not written by this server. To take them "
                    "over, set server.adoptExistingData for one ./mem0 up (ADOPT_EXISTING_DATA=true); else give the "
                    "stack databases of its own."
                )
        # The dimensions become part of the table: ask the model before making it.
        await self._model.embed(["first start"])
        await self._postgres.run("first_start", self._create, self._settings.store_timeout_s * 4)

    async def _read(self, conn: Connection) -> Stored | None:
        found = await (await conn.execute("SELECT to_regclass('mem0_identity') IS NOT NULL")).fetchone()
        if not found or not found[0]:
            return None
        text = (
            "SELECT instance_id, embedder, dimensions, graph_bound_at IS NOT NULL, history_bound_at IS NOT NULL "
            "FROM mem0_identity"
        )
        row = await (await conn.execute(text)).fetchone()
        return Stored(*row) if row else None

    async def _rows_exist(self, conn: Connection) -> bool:
        name = self._settings.memory_collection
        if await table_dimensions(conn, name) is None:
            return False
        found = await conn.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(name)))
        return await found.fetchone() is not None

    async def _create(self, conn: Connection) -> None:
        settings = self._settings
        await self._create_tables(conn)
        await conn.execute(
            "INSERT INTO mem0_identity (instance_id, embedder, dimensions) VALUES (%s, %s, %s)",
            (settings.instance_id, settings.embedder_model, settings.embedder_dimensions),
        )

    async def _create_tables(self, conn: Connection) -> None:
        settings = self._settings
        await create_tables(conn, settings.memory_collection, settings.embedder_dimensions)
        found = await table_dimensions(conn, settings.memory_collection)
        if found != settings.embedder_dimensions:
            raise Refused(
                f"The table {settings.memory_collection} holds vectors of {found} dimensions, EMBEDDER_DIMENSIONS "
                f"says {settings.embedder_dimensions}. Set model and dimensions back to those of the data."
            )

    async def _bind_history(self, stored: Stored, past: tuple[str, str, int] | None) -> None:
        if past:
            self._same("The history file", past)
        elif stored.history_bound and "history" not in self._settings.accept_empty:
            raise Refused(
                f"The history file {self._settings.history_db_path} is new, but Postgres says that there was one. "
                f"{_HELP} To go on with an empty history, set server.acceptEmpty: [history] for one ./mem0 up "
                "(ACCEPT_EMPTY=history)."
            )
        else:
            await self._history.bind(*self._ours(), now())
        if not stored.history_bound:
            await self._postgres.run("bind", self._mark("history_bound_at"))

    async def _bind_graph(self, stored: Stored) -> None:
        found = await self._graph.identity()
        if found:
            self._same("The Neo4j database", found)
        elif stored.graph_bound and "graph" not in self._settings.accept_empty:
            raise Refused(
                f"The Neo4j database at {self._settings.neo4j_uri} is empty or another one: Postgres says that it has "
                f"been in use. {_HELP} To go on with an empty graph, set server.acceptEmpty: [graph] for one ./mem0 up "
                "(ACCEPT_EMPTY=graph)."
            )
        await self._graph.create_schema()
        if not found:
            await self._graph.bind(*self._ours(), now())
        await bring_up_to_date(self._graph, self._postgres, Collection(self._settings.memory_collection))
        if not stored.graph_bound:
            await self._postgres.run("bind", self._mark("graph_bound_at"))

    def _mark(self, column: str) -> Any:
        text = sql.SQL("UPDATE mem0_identity SET {} = now()").format(sql.Identifier(column))

        async def write(conn: Connection) -> None:
            await conn.execute(text)

        return write

    def _ours(self) -> tuple[str, str, int]:
        settings = self._settings
        return settings.instance_id, settings.embedder_model, settings.embedder_dimensions

    def _same(self, what: str, found: tuple[str, str, int]) -> None:
        """Raises Refused unless `found` is the identity the settings declare."""
        instance, embedder, dimensions = self._ours()
        if found[0] != instance:
            raise Refused(f"{what} belongs to instance {found[0]}, this server was deployed as {instance}. {_HELP}")
        if found[1:] != (embedder, dimensions):
            raise Refused(
                f"{what} holds data embedded by {found[1]} ({found[2]} dimensions), the settings say {embedder} "
                f"({dimensions}). Set model and dimensions back, or export the memories with the old settings and "
                "import them into a new stack: ./mem0 export, ./mem0 import."
            )

    async def _check_connection(self, conn: Connection) -> None:
        """Every new connection, also after Postgres was replaced while the server runs."""
        stored = await self._read(conn)
        try:
            if stored is None:
                raise Refused(f"The Postgres database has become empty. {_HELP}")
            self._same("The Postgres database", (stored.instance_id, stored.embedder, stored.dimensions))
        except Refused as refusal:
            if self.readiness.refused != str(refusal):
                logs.server.critical("refused", extra={"fields": {"reason": str(refusal)}})
            self.readiness.refused = str(refusal)
            raise
        self.readiness.refused = None


_HELP = (
    "Nothing was changed. See which data the stack is deployed on with ./mem0 status, bring the right data back with "
    "./mem0 restore, or begin anew on purpose with ./mem0 down --delete-data."
)
