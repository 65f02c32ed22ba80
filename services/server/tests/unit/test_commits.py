"""Commits whose transaction is given up while it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from memory_server.commits import Commits, Leave
from memory_server.domain import GraphChange
from memory_server.errors import store_unavailable
from memory_server.intents import Intents
from memory_server.maintenance import Hold


class SlowPostgres:
    """Gives its caller up at once, while the transaction goes on: what a Postgres that was paused looks like."""

    def __init__(self) -> None:
        self.going_on: asyncio.Task[Any] | None = None

    async def run(self, _operation: str, work: Callable[[Any], Awaitable[Any]], _timeout_s: float | None) -> Any:
        self.going_on = asyncio.ensure_future(work(SlowConnection()))
        raise store_unavailable("Postgres", "did not answer in time")


class SlowConnection:
    """Answers an INSERT after everybody else has had a turn."""

    async def execute(self, *_: Any) -> SlowConnection:
        await asyncio.sleep(0)
        return self

    async def fetchone(self) -> tuple[int, Any]:
        return 1, uuid4()


async def test_an_intent_that_is_recorded_after_its_transaction_was_given_up_keeps_nobody_waiting() -> None:
    postgres: Any = SlowPostgres()
    unused: Any = None
    intents = Intents(postgres, unused, unused, Hold(), 1.0)

    async def write(_conn: Any, leave: Leave) -> None:
        await leave("ann", GraphChange({"user_id": "ann"}), [])

    with pytest.raises(Exception, match="did not answer in time"):
        await Commits(postgres, intents, 1.0).commit("add", write)
    assert postgres.going_on is not None
    await postgres.going_on
    assert not intents.busy
