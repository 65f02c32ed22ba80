"""Which writes are under way, and maintenance: a time in which none begins."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
