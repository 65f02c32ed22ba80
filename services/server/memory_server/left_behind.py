"""Work on Postgres that nobody waits for any more: seen to its end, in bounded time.

A transaction on a connection whose other end went away without a word would wait for the kernel's time-outs, a quarter
of an hour. It is given a while to end by itself; then its connection is cut, and its session in Postgres ended, so that
a commit that Postgres has not read yet cannot come later.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection

PAUSE_S = 0.5


class LeftBehind:
    """What may still change the data although its caller has had his answer."""

    def __init__(self, conninfo: str, patience_s: float) -> None:
        self._conninfo = conninfo
        self._patience_s = patience_s
        self._watches: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._watches)

    def add(self, work: asyncio.Task[Any], connections: Sequence[AsyncConnection[Any]]) -> None:
        """Watch `work`, which uses the first of `connections` as soon as there is one."""
        watch = asyncio.create_task(self._watch(work, connections))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    async def close(self) -> None:
        """Watch no longer."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    async def _watch(self, work: asyncio.Task[Any], connections: Sequence[AsyncConnection[Any]]) -> None:
        await asyncio.wait({work}, timeout=self._patience_s)
        if not connections and not work.done():
            # It still waits for the pool, which has a bound of its own. It will not begin, but may get a connection
            # that leads nowhere by the time it is given back.
            while not connections and not work.done():
                await asyncio.wait({work}, timeout=PAUSE_S)
            await asyncio.wait({work}, timeout=self._patience_s)
        if work.done():
            return
        pid, cut_at = connections[0].info.backend_pid, datetime.now(UTC)
        hang_up(connections[0])
        await asyncio.wait({work}, timeout=self._patience_s)
        while True:
            if await self._bounded_end(pid, cut_at):
                return
            await asyncio.sleep(PAUSE_S)

    async def _bounded_end(self, pid: int, started_before: datetime) -> bool:
        opened: list[AsyncConnection[Any]] = []
        task = asyncio.create_task(self._end_session(pid, started_before, opened))
        done, _ = await asyncio.wait({task}, timeout=self._patience_s)
        if not done:
            for connection in opened:
                hang_up(connection)
            task.cancel()
        with suppress(psycopg.Error, asyncio.CancelledError):
            return await task
        return False

    async def _end_session(self, pid: int, started_before: datetime, opened: list[AsyncConnection[Any]]) -> bool:
        """Whether there is no such session any more. A later one of the same number is another's."""
        async with await AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
            opened.append(connection)
            found = await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid = %s AND usename = current_user AND backend_start < %s",
                (pid, started_before),
            )
            return await found.fetchone() is None


async def within(seconds: float, connection: AsyncConnection[Any], work: Coroutine[Any, Any, None]) -> None:
    """Do `work` on a connection, and cut it when that takes longer: the work then fails as if Postgres had ended it."""
    task = asyncio.create_task(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        hang_up(connection)
    await task


def hang_up(connection: AsyncConnection[Any]) -> None:
    """Cut a connection from this side: whoever waits on it is told at once, as if Postgres had closed it."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
