from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from memory_server.domain import HistoryEntry
from memory_server.errors import Problem
from memory_server.history import History, PermanentHistoryError
from memory_server.metrics import Metrics


def line(number: int, memory_id: str = "m") -> HistoryEntry:
    return HistoryEntry(str(number), memory_id, None, f"text {number}", "ADD", "c", f"2024-01-0{number}")


async def test_changes_come_in_the_order_of_time_whatever_zone_they_were_written_in(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db", Metrics(), 5)
    await history.open()
    written = ["2025-07-25T01:30:00-04:00", "2025-07-24T20:00:00-07:00", "2025-07-25T04:00:00+00:00", None, "soon"]
    await history.append([HistoryEntry(str(n), "m", None, "x", "ADD", "c", at) for n, at in enumerate(written)])
    assert [row["id"] for row in await history.of("m")] == ["3", "4", "1", "2", "0"]
    await history.close()


async def test_more_changes_than_a_reply_may_have_are_refused_and_the_last_of_them_given(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db", Metrics(), 5)
    await history.open()
    at = "2024-01-01T00:00:00+00:00"
    large = [HistoryEntry(str(n), "m", None, "x" * 100_000, "UPDATE", at, at) for n in range(50)]
    await history.append(large)
    with pytest.raises(Problem, match="4194304 characters") as caught:
        await history.of("m")
    assert caught.value.status == 413
    assert [row["id"] for row in await history.of("m", 3)] == ["47", "48", "49"]
    await history.close()


async def test_entries_come_back_oldest_first_in_upstreams_form(tmp_path: Path) -> None:
    history = History(tmp_path / "new" / "history.db", Metrics(), 5)
    await history.open()
    await history.append([line(2), line(1), line(3, "other")])
    rows = await history.of("m")
    assert [row["id"] for row in rows] == ["1", "2"]
    assert rows[0] == {
        "id": "1",
        "memory_id": "m",
        "old_memory": None,
        "new_memory": "text 1",
        "event": "ADD",
        "created_at": "c",
        "updated_at": "2024-01-01",
        "is_deleted": False,
        "actor_id": None,
        "role": None,
    }
    await history.close()


async def test_writing_the_same_entry_again_changes_nothing(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db", Metrics(), 5)
    await history.open()
    await asyncio.gather(*(history.append([line(1), line(2)]) for _ in range(50)))
    assert len(await history.of("m")) == 2
    await history.close()


async def test_a_file_of_upstream_is_taken_over_with_its_rows(tmp_path: Path) -> None:
    from mem0.memory.storage import SQLiteManager  # noqa: PLC0415

    upstream = SQLiteManager(str(tmp_path / "history.db"))
    upstream.add_history("m", None, "theirs", "ADD", created_at="a", updated_at="a")
    upstream.close()
    history = History(tmp_path / "history.db", Metrics(), 5)
    await history.open()
    await history.append([line(1)])
    await history.close()
    again = SQLiteManager(str(tmp_path / "history.db"))
    assert {row["new_memory"] for row in again.get_history("m")} == {"theirs", "text 1"}
    again.close()


async def test_a_directory_that_cannot_be_written_is_a_503_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem) as caught:
        await History(tmp_path / "file" / "history.db", Metrics(), 5).open()
    assert (caught.value.status, caught.value.extra["failed"]) == (503, "the history file")


async def test_a_failed_write_reaches_everyone_who_waits_for_it(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db", Metrics(), 5)
    await history.open()
    other = sqlite3.connect(tmp_path / "history.db")
    other.execute("DROP TABLE history")
    other.close()
    outcomes = await asyncio.gather(*(history.append([line(n)]) for n in range(1, 4)), return_exceptions=True)
    assert all(isinstance(outcome, Problem) for outcome in outcomes)
    await history.close()


async def test_the_identity_is_kept_in_the_file(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db", Metrics(), 5)
    await history.open()
    assert await history.identity() is None
    await history.bind("abc", "mem0-embedded", 384, "now")
    assert await history.identity() == ("abc", "mem0-embedded", 384)
    await history.close()


async def test_an_entry_that_can_never_be_written_is_refused_alone(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db", Metrics(), 5)
    await history.open()
    odd: Any = HistoryEntry("9", "m", None, "text", "ADD", "c", "2024-01-09", actor_id=["a"])  # type: ignore[arg-type]
    outcomes = await asyncio.gather(
        history.append([line(1)]), history.append([odd]), history.append([line(2)]), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), PermanentHistoryError, type(None)]
    assert [row["id"] for row in await history.of("m")] == ["1", "2"]
    await history.close()


def test_an_entry_that_a_version_before_left_is_read_as_texts() -> None:
    left = {**vars(line(1)), "actor_id": ["a"], "role": 7}
    entry = HistoryEntry.from_json(left)
    assert (entry.actor_id, entry.role, entry.is_deleted) == ('["a"]', "7", 0)
