"""Bounds on what a client may send: size of a body, requests per second."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memory_server.errors import MEDIA_TYPE, Problem

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


class BodyLimit:
    """ASGI middleware that ends a request whose body exceeds `limit` bytes, declared or not.

    Paths in `unlimited` stream their body and bound each line themselves.
    """

    def __init__(self, app: ASGIApp, limit: int, unlimited: frozenset[str]) -> None:
        self._app = app
        self._limit = limit
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http" or scope["path"] in self._unlimited:
            await self._app(scope, receive, send)
            return
        problem = Problem(413, "body-too-large", f"A request body may have at most {self._limit} bytes.")
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._limit:
            await _answer(problem, scope, send)
            return
        seen = 0
        answered = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > self._limit:
                    raise problem
            return message

        async def corrected(message: Message) -> None:
            """The framework takes what `counted` raises for a broken body: answer in its place."""
            nonlocal answered
            if seen <= self._limit:
                await send(message)
            elif not answered:
                answered = True
                await _answer(problem, scope, send)

        await self._app(scope, counted, corrected)


async def _answer(problem: Problem, scope: Scope, send: Send) -> None:
    body = json.dumps({**problem.document(), "instance": scope["path"]}).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    # The rest of the body is not read: the connection cannot be used again.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
