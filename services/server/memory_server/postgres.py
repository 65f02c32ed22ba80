"""Postgres: the connection pool, bounded. A store that hangs costs its caller a known time, never more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from memory_server import logs
from memory_server.errors import store_unavailable
from memory_server.left_behind import LeftBehind, within
from memory_server.metrics import Metrics
from memory_server.settings import Settings

T = TypeVar("T")

NAME = "Postgres"
Connection = AsyncConnection[tuple[Any, ...]]
OnConnect = Callable[[Connection], Awaitable[None]]


class Abandoned(Exception):
    """Raised inside a transaction whose caller has gone: it rolls back instead of committing unseen."""


class Postgres:
    """A pool whose every use has a bound, whose every new connection is checked by `on_connect`."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self.on_connect: OnConnect | None = None
        # make_conninfo quotes: a password may hold any character.
        conninfo = make_conninfo(
            host=settings.postgres_host,
            port=settings.postgres_port,
            dbname=settings.postgres_db,
            user=settings.postgres_user,
            password=settings.postgres_password.get_secret_value(),
            connect_timeout=max(2, int(settings.store_timeout_s)),
            application_name="mem0-server",
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        self._left_behind = LeftBehind(conninfo, settings.store_timeout_s)
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo,
            min_size=settings.postgres_pool_min,
            max_size=settings.postgres_pool_max,
            timeout=settings.store_timeout_s,
            open=False,
            configure=lambda conn: within(settings.store_timeout_s, conn, self._configure(conn)),
            # A connection that Postgres has closed, or that leads nowhere, is replaced before anyone gets it.
            check=lambda conn: within(settings.probe_timeout_s, conn, AsyncConnectionPool.check_connection(conn)),
            reconnect_timeout=5,
            num_workers=2,
        )
        for name in ("pool_size", "pool_available", "requests_waiting"):
            metrics.gauge(
                f"mem0_server_postgres_{name}",
                f"{name.replace('_', ' ')} of the Postgres connection pool.",
                lambda name=name: self._pool.get_stats().get(name, 0),  # type: ignore[misc]
            )

    async def open(self) -> None:
        """Start the pool; connections are made in the background and again after any loss."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._left_behind.close()
        await self._pool.close(timeout=5)

    async def _configure(self, conn: Connection) -> None:
        timeout_ms = int(self._settings.store_timeout_s * 1000)
        settings = {
            "statement_timeout": str(timeout_ms),
            "lock_timeout": str(timeout_ms),
            "idle_in_transaction_session_timeout": str(timeout_ms * 2),
            # A timestamp that somebody stored without a zone is in UTC.
            "TimeZone": "UTC",
            # One user may own most rows and another a handful: a plan made for one is wrong for the other.
            "plan_cache_mode": "force_custom_plan",
            # Go on in the index until enough rows pass the filter; rows come nearly in order and are sorted after.
            "hnsw.iterative_scan": "relaxed_order",
            "hnsw.ef_search": str(self._settings.hnsw_ef_search),
        }
        for name, value in settings.items():
            await conn.execute("SELECT set_config(%s, %s, false)", (name, value))
        if self.on_connect:
            await self.on_connect(conn)
        await conn.commit()

    async def run(
        self, operation: str, work: Callable[[Connection], Awaitable[T]], timeout_s: float | None = None
    ) -> T:
        """Do `work` in one transaction and commit it, within a bound.

        psycopg waits for the server even when cancelled, so a frozen Postgres would hold the caller: the work is
        left behind instead, and rolls back should it ever get to its end. Raises Problem 503.
        """
        bound = timeout_s or self._settings.store_timeout_s
        gone = asyncio.Event()
        used: list[Connection] = []

        async def transaction() -> T:
            async with self._pool.connection() as conn:
                used.append(conn)
                if gone.is_set():
                    raise Abandoned
                result = await work(conn)
                if gone.is_set():
                    raise Abandoned
            return result

        with self._metrics.call("postgres", operation):
            task = asyncio.create_task(transaction())
            task.add_done_callback(_look_at)
            try:
                done, _ = await asyncio.wait({task}, timeout=bound)
            finally:
                if not task.done():
                    gone.set()
                    self._left_behind.add(task, used)
            if not done:
                raise store_unavailable(NAME, f"did not answer within {bound:g} s")
            try:
                return task.result()
            except (psycopg.OperationalError, PoolTimeout) as error:
                fields = {"operation": operation, "error": type(error).__name__}
                logs.server.warning("postgres call failed", extra={"fields": fields})
                slow = isinstance(error, QueryCanceled | LockNotAvailable | PoolTimeout)
                reason = f"did not answer within {bound:g} s" if slow else "cannot be reached"
                raise store_unavailable(NAME, reason) from error

    @property
    def writing(self) -> bool:
        """Whether a transaction is open that somebody gave up on: it may still end."""
        return bool(self._left_behind)

    async def ping(self) -> None:
        """Ask for an answer, any answer. Raises Problem 503."""

        async def ask(conn: Connection) -> None:
            await conn.execute("SELECT 1")

        await self.run("ping", ask, self._settings.probe_timeout_s)


def _look_at(task: asyncio.Task[Any]) -> None:
    """Look at the outcome of work nobody may wait for any more: asyncio complains about errors unseen."""
    if not task.cancelled():
        task.exception()
