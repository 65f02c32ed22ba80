"""Bounds on what a client may send: size and time of a body, requests per second and at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memory_server.errors import Problem, answer

BURST_SECONDS = 4


@dataclass
class _Bucket:
    tokens: float
    at: float


class RateLimiter:
    """A token bucket for each key, and one for all requests without a valid key."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._burst = max(1.0, per_second * BURST_SECONDS)
        self._clock = clock
        self._buckets: dict[str | None, _Bucket] = {}

    def take(self, key: str | None) -> None:
        """Count one request. Raises Problem 429 when the bucket is empty."""
        if self._rate == 0:
            return
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, now))
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            wait = max(1, math.ceil((1 - bucket.tokens) / self._rate))
            detail = f"More than {self._rate:g} requests per second. Wait {wait} s."
            raise Problem(429, "rate-limited", detail, headers={"Retry-After": str(wait)})
        bucket.tokens -= 1


class Lanes:
    """How many requests of one key are under way at once: its others are turned away, not made to wait.

    What watches over the server has a lane of its own, so that it is answered however busy its key is.
    """

    def __init__(self, each: int) -> None:
        self._each = each
        self._busy: Counter[tuple[str, bool]] = Counter()

    def busy(self, key: str) -> int:
        """How many requests of a key are under way."""
        return sum(count for (owner, _), count in self._busy.items() if owner == key)

    @contextmanager
    def enter(self, key: str | None, path: str) -> Iterator[None]:
        """Count a request from here to the end of the block. Raises Problem 429 when the key has enough of them."""
        if key is None:
            yield
            return
        lane = (key, path == "/ready" or path.startswith("/admin/"))
        if self._busy[lane] >= self._each:
            detail = f"{self._each} requests of the key {key} are under way, as many as may be at once."
            raise Problem(429, "too-many-at-once", detail, headers={"Retry-After": "1"})
        self._busy[lane] += 1
        try:
            yield
        finally:
            self._busy[lane] -= 1


@dataclass(frozen=True)
class BodyBounds:
    """Of a request's body: bytes, seconds without any, and seconds of waiting for it altogether."""

    bytes: int
    idle_s: float
    whole_s: float
    streamed_s: float
    """Like `whole_s`, for bodies that are streamed: of any length, their readers bound each line."""


class BodyLimit:
    """ASGI middleware that ends a request whose body is too large, declared or not, or too slow."""

    def __init__(self, app: ASGIApp, bounds: BodyBounds, streamed: frozenset[str]) -> None:
        self._app = app
        self._bounds = bounds
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(self._bounds, receive, streamed=scope["path"] in self._streamed)
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > body.most_bytes:
            await answer(body.too_large(), scope, send)
            return
        answered = False

        async def corrected(message: Message) -> None:
            """The framework takes what the body raises for a broken one: answer in its place."""
            nonlocal answered
            problem = body.problem
            if problem is None or message.get("status") == problem.status:
                if problem is not None:
                    body.problem = None
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
                await send(message)
            elif not answered:
                answered = True
                await answer(problem, scope, send)

        await self._app(scope, body.receive, corrected)


class _Body:
    """The body of one request, counted and timed while it comes."""

    def __init__(self, bounds: BodyBounds, receive: Receive, *, streamed: bool) -> None:
        self._bounds = bounds
        self._receive = receive
        self._left_s = bounds.streamed_s if streamed else bounds.whole_s
        self.most_bytes = math.inf if streamed else bounds.bytes
        self._seen = 0
        self._whole = False
        self.problem: Problem | None = None

    def too_large(self) -> Problem:
        return Problem(413, "body-too-large", f"A request body may have at most {self._bounds.bytes} bytes.")

    def _too_slow(self, bound: float) -> Problem:
        idle = bound == self._bounds.idle_s
        what = f"Nothing of the body came for {bound:g} s" if idle else "The body took too long to come"
        return Problem(408, "body-too-slow", f"{what}: send it faster, or in smaller parts.")

    async def receive(self) -> Message:
        """The next part. Raises Problem 408 or 413."""
        if self._whole:
            # From here on this only waits for the client to go.
            return await self._receive()
        bound = min(self._bounds.idle_s, self._left_s)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(bound):
                message = await self._receive()
        except TimeoutError:
            self.problem = self._too_slow(bound)
            raise self.problem from None
        self._left_s -= loop.time() - began
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        self._seen += len(message.get("body", b""))
        if self._seen > self.most_bytes:
            self.problem = self.too_large()
            raise self.problem
        return message
