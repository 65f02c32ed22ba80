"""The change history: upstream's SQLite file, written in batches by one thread.

Journal mode stays upstream's `delete`: the file may lie on a directory shared into a virtual machine, where the
shared memory that WAL needs does not work, and a copy of the one file is a whole database.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from memory_server import moments
from memory_server.domain import HistoryEntry
from memory_server.errors import Problem, store_unavailable
from memory_server.metrics import Metrics

T = TypeVar("T")

NAME = "the history file"
ALL = -1
MAX_REPLY_CHARACTERS = 4 * 1024 * 1024
"""Of the texts in one reply: a memory may have been changed any number of times."""
NEVER = (sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError, OverflowError, UnicodeError)
"""What SQLite says of a value that it will not take at the next try either."""
COLUMNS = tuple(field.name for field in fields(HistoryEntry))

_TABLES = """
CREATE TABLE IF NOT EXISTS history (
    id TEXT PRIMARY KEY, memory_id TEXT, old_memory TEXT, new_memory TEXT, event TEXT,
    created_at DATETIME, updated_at DATETIME, is_deleted INTEGER, actor_id TEXT, role TEXT);
CREATE INDEX IF NOT EXISTS history_memory_id ON history (memory_id);
CREATE TABLE IF NOT EXISTS mem0_identity (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1), instance_id TEXT NOT NULL, embedder TEXT NOT NULL,
    dimensions INTEGER NOT NULL, created_at TEXT NOT NULL);
"""


def _when(row: tuple[Any, ...]) -> datetime:
    """When a change was made: upstream, and older versions, wrote moments of other zones."""
    try:
        return moments.parse(row[COLUMNS.index("updated_at")])
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


class PermanentHistoryError(Exception):
    """The history refuses an entry for good: repeating it will not help."""


class History:
    """The one writer and reader of the history file."""

    def __init__(self, path: Path, metrics: Metrics, timeout_s: float) -> None:
        self._path = path
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._db: sqlite3.Connection | None = None
        self._queue: list[tuple[list[dict[str, Any]], asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the file and make its tables. Raises Problem 503 when the directory cannot be written."""

        def connect() -> None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=self._timeout_s)
            db.executescript(_TABLES)
            self._path.chmod(0o600)
            self._db = db

        await self._call("open", connect)

    async def close(self) -> None:
        """Close the file after what is being written."""
        db, self._db = self._db, None
        if db:
            await asyncio.get_running_loop().run_in_executor(self._thread, db.close)
        self._thread.shutdown(wait=False)

    async def _call(self, operation: str, work: Callable[[], T]) -> T:
        with self._metrics.call("history", operation):
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await asyncio.get_running_loop().run_in_executor(self._thread, work)
            except NEVER as error:
                raise PermanentHistoryError(type(error).__name__) from error
            except (sqlite3.Error, OSError, TimeoutError) as error:
                raise store_unavailable(NAME, f"cannot be used ({type(error).__name__})") from error

    def _open_db(self) -> sqlite3.Connection:
        if self._db is None:
            raise sqlite3.OperationalError("closed")
        return self._db

    async def append(self, entries: Sequence[HistoryEntry]) -> None:
        """Write entries; those already there stay as they are. Raises Problem 503, or PermanentHistoryError.

        Entries that come while others are being written go into the next transaction together: one flush to the disk
        for all of them.
        """
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(([asdict(entry) for entry in entries], waiter))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await waiter

    async def _flush(self) -> None:
        while self._queue:
            batch, self._queue = self._queue, []
            error = await self._written([row for rows, _ in batch for row in rows])
            for rows, waiter in batch:
                # One entry that can never be written must not take those that came at the same time with it.
                alone = isinstance(error, PermanentHistoryError) and len(batch) > 1
                failure = await self._written(rows) if alone else error
                if waiter.done():
                    continue
                if failure:
                    waiter.set_exception(failure)
                else:
                    waiter.set_result(None)
        self._flushing = None

    async def _written(self, rows: list[dict[str, Any]]) -> BaseException | None:
        """Write rows in one transaction; what went wrong, for those who wait."""
        try:
            await self._call("append", lambda: self._insert(rows))
        except BaseException as caught:  # noqa: BLE001 - handed to those who wait
            return caught
        return None

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        marks = ", ".join(f":{name}" for name in COLUMNS)
        db = self._open_db()
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(f"INSERT OR IGNORE INTO history ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    async def of(self, memory_id: str, limit: int = ALL) -> list[dict[str, Any]]:
        """The last `limit` changes of one memory, oldest first, in upstream's form. Raises Problem 413."""
        size = "coalesce(length(old_memory), 0) + coalesce(length(new_memory), 0)"
        text = f"""
            SELECT {", ".join(COLUMNS)} FROM (
                SELECT *, sum({size}) OVER (ORDER BY place DESC) - ({size}) AS before FROM (
                    SELECT *, rowid AS place FROM history WHERE memory_id = ? ORDER BY rowid DESC LIMIT ?))
            WHERE before <= {MAX_REPLY_CHARACTERS} ORDER BY place"""

        def read() -> list[dict[str, Any]]:
            found = self._open_db().execute(text, (memory_id, limit)).fetchall()
            if sum(len(row[2] or "") + len(row[3] or "") for row in found) > MAX_REPLY_CHARACTERS:
                detail = f"The changes have more than {MAX_REPLY_CHARACTERS} characters: ask for fewer with limit."
                raise Problem(413, "reply-too-large", detail)
            rows = sorted(found, key=_when)
            return [{**dict(zip(COLUMNS, row, strict=True)), "is_deleted": bool(row[7])} for row in rows]

        return await self._call("of", read)

    async def clear(self) -> None:
        """Forget every change."""
        await self._call("clear", lambda: self._open_db().execute("DELETE FROM history"))

    async def ping(self) -> None:
        """Read one row. Raises Problem 503."""
        await self._call("ping", lambda: self._open_db().execute("SELECT 1 FROM history LIMIT 1").fetchone())

    async def identity(self) -> tuple[str, str, int] | None:
        """Instance id, embedder and dimensions this file was bound to; None for a new one."""
        text = "SELECT instance_id, embedder, dimensions FROM mem0_identity"
        return await self._call("identity", lambda: self._open_db().execute(text).fetchone())

    async def bind(self, instance_id: str, embedder: str, dimensions: int, at: str) -> None:
        """Write the identity into a new file."""
        text = "INSERT OR REPLACE INTO mem0_identity VALUES (1, ?, ?, ?, ?)"
        await self._call("bind", lambda: self._open_db().execute(text, (instance_id, embedder, dimensions, at)))
