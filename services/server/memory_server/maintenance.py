"""Maintenance, a time in which no write begins, and the hold, in which graph and history stay as they are."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from memory_server.errors import Problem

POLL_S = 0.05


class Gate:
    """Every write passes it. While it is closed writers get 503 with Retry-After; it opens by itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._closed_until = 0.0
        self._claims: set[tuple[str, str]] = set()
        self.in_flight = 0

    @contextmanager
    def claim(self, owner: str, key: str) -> Iterator[None]:
        """Hold an Idempotency-Key while its first request is under way. Raises Problem 409 for a second one."""
        if (owner, key) in self._claims:
            raise Problem(
                409, "in-progress", "A request with this Idempotency-Key is under way.", headers={"Retry-After": "1"}
            )
        self._claims.add((owner, key))
        try:
            yield
        finally:
            self._claims.discard((owner, key))

    @property
    def seconds_left(self) -> float:
        """How long the gate stays closed; 0 when it is open."""
        return max(0.0, self._closed_until - self._clock())

    @contextmanager
    def write(self) -> Iterator[None]:
        """Count a write from here to the end of the block. Raises Problem 503 while closed."""
        if left := self.seconds_left:
            raise Problem(
                503,
                "maintenance",
                f"Writes are paused for maintenance, for {math.ceil(left)} s at most. Reading works.",
                headers={"Retry-After": str(math.ceil(left))},
            )
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    def close(self, seconds: float) -> None:
        """Let no write begin for `seconds` from now."""
        self._closed_until = self._clock() + seconds

    def open(self) -> None:
        """End maintenance."""
        self._closed_until = 0.0

    async def drained(self, seconds: float, busy: Callable[[], bool]) -> bool:
        """Wait until nothing is under way and `busy` says no; False when that takes longer than `seconds`."""
        deadline = self._clock() + seconds
        while self.in_flight or busy():
            if self._clock() >= deadline or not self.seconds_left:
                return False
            await asyncio.sleep(POLL_S)
        return True


class Hold:
    """While it lasts, the graph and the history stay as they are, for a backup to copy them.

    Writes go on: they are whole in Postgres, and what they leave for the graph and the history waits as intents. Ends
    by itself. Its key tells the one who began it whether it lasted: a hold that was begun anew, or lost with a
    restart of the server, has another.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._key = ""
        self.acting = 0
        """Changes of the graph or the history under way."""

    @property
    def seconds_left(self) -> float:
        """How long it lasts; 0 when there is none."""
        return max(0.0, self._until - self._clock())

    @property
    def active(self) -> bool:
        """Whether the graph and the history must stay as they are."""
        return self.seconds_left > 0

    def begin(self, seconds: float) -> str:
        """Hold for `seconds` from now, in place of a hold there may be. Returns the key."""
        self._until = self._clock() + seconds
        self._key = uuid4().hex
        return self._key

    def extend(self, key: str, seconds: float) -> bool:
        """Let it last for `seconds` from now; False when the hold of that key has ended."""
        if not self._lasts(key):
            return False
        self._until = self._clock() + seconds
        return True

    def end(self, key: str | None = None) -> bool:
        """End it; False when the hold of that key had ended before. Without a key, whichever there is."""
        lasted = self.active if key is None else self._lasts(key)
        if key is None or lasted:
            self._until = 0.0
        return lasted

    def _lasts(self, key: str) -> bool:
        return self.active and self._key == key

    @contextmanager
    def change(self) -> Iterator[None]:
        """Count a change of the graph or the history from here to the end of the block."""
        self.acting += 1
        try:
            yield
        finally:
            self.acting -= 1

    async def quiet(self, seconds: float) -> bool:
        """Wait until no change is under way; False when that takes longer than `seconds`."""
        deadline = self._clock() + seconds
        while self.acting:
            if self._clock() >= deadline or not self.active:
                return False
            await asyncio.sleep(POLL_S)
        return True
