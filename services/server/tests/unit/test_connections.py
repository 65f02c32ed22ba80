"""Connections that stall, drip or swell, on real sockets: each is cut off, and holds nothing afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from memory_server.auth import Keyring
from memory_server.connections import MAX_HEAD, bounded
from memory_server.front import FrontDoor
from memory_server.limits import BodyBounds, BodyLimit, Lanes, RateLimiter

KEY = "k" * 16
HEAD = f"Host: localhost\r\nX-API-Key: {KEY}\r\n".encode()
BOUND_S = 0.2
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def served(app: ASGIApp, lanes: Lanes | None = None) -> AsyncIterator[Callable[[], Awaitable[Peer]]]:
    """The app behind both doors on a port of loopback, with bounds of a fifth of a second."""
    bounds = BodyBounds(1000, idle_s=BOUND_S, whole_s=BOUND_S * 4, streamed_s=BOUND_S * 4)
    limited = BodyLimit(app, bounds, streamed=frozenset({"/import"}))
    ring, limiter = Keyring.parse(KEY), RateLimiter(0)
    door = FrontDoor(limited, ring, limiter, lanes or Lanes(16), {"localhost"})
    config = uvicorn.Config(door, port=0, http=bounded(BOUND_S, BOUND_S), lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield lambda: asyncio.open_connection("127.0.0.1", port, limit=2**24)
    finally:
        server.should_exit = server.force_exit = True
        await server.shutdown()


async def free(lanes: Lanes) -> None:
    """Return when no request of the key is under way."""
    for _ in range(1000):
        if not lanes.busy("admin"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a request is still under way")


async def ask_and_take_nothing(connect: Callable[[], Awaitable[Peer]], path: bytes) -> asyncio.StreamWriter:
    """Ask for something and stall: nothing of the reply is read."""
    reader, writer = await connect()
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(b"GET " + path + b" HTTP/1.1\r\n" + HEAD + b"\r\n")
    return writer


async def talk(connect: Callable[[], Awaitable[Peer]], *parts: bytes, every_s: float = 0) -> bytes:
    """All that is answered to `parts`, sent one by one until there is an answer or the other side closes."""
    reader, writer = await connect()
    answer = bytearray()

    async def listen() -> None:
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(100_000):
                answer.extend(part)

    listening = asyncio.create_task(listen())
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every_s)
            if answer or listening.done():
                break
    await asyncio.wait_for(listening, 10)
    writer.close()
    return bytes(answer)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": str(size).encode()})


async def test_a_reader_that_stalls_is_cut_off_and_what_it_held_is_given_back() -> None:
    given_back = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        async def lines() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 10_000
                    await asyncio.sleep(0)  # as one that asks a store does
            finally:
                given_back.set()

        await StreamingResponse(lines())(scope, receive, send)

    lanes = Lanes(1)
    async with served(endless, lanes) as connect:
        writer = await ask_and_take_nothing(connect, b"/export")
        await asyncio.wait_for(given_back.wait(), 10)
        await free(lanes)
        writer.close()


async def test_a_whole_reply_that_nobody_takes_keeps_its_lane_and_is_cut_off() -> None:
    begun = asyncio.Event()

    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        begun.set()
        await send({"type": "http.response.body", "body": b"x" * 50_000_000})

    lanes = Lanes(1)
    async with served(large, lanes) as connect:
        writer = await ask_and_take_nothing(connect, b"/memories")
        await asyncio.wait_for(begun.wait(), 10)
        turned_away = await talk(connect, b"GET /memories HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert turned_away.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 1" in turned_away
        await free(lanes)
        writer.close()


async def test_a_reader_that_is_slow_but_goes_on_gets_all() -> None:
    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"x" * 8_000_000})

    async with served(large) as connect:
        reader, writer = await connect()
        writer.write(b"GET /memories HTTP/1.1\r\n" + HEAD + b"\r\n")
        got = 0
        while chunk := await reader.read(1_000_000):
            got += len(chunk)
            await asyncio.sleep(BOUND_S / 8)
        assert got > 8_000_000
        writer.close()


async def test_a_body_that_stops_coming_is_answered_408() -> None:
    async with served(echo) as connect:
        answer = await talk(connect, b"POST /memories HTTP/1.1\r\n" + HEAD + b"Content-Length: 10\r\n\r\n12345")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"Nothing of the body came for 0.2 s" in answer


async def test_a_body_that_drips_is_answered_408_when_its_time_is_over() -> None:
    head = b"POST /memories HTTP/1.1\r\n" + HEAD + b"Content-Length: 100\r\n\r\n"
    async with served(echo) as connect:
        answer = await talk(connect, head, *[b"1"] * 50, every_s=BOUND_S / 3)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"took too long" in answer


async def test_a_head_that_drips_is_cut_off() -> None:
    async with served(echo) as connect:
        answer = await talk(connect, b"GET / HTTP/1.1\r\n", *[b"x-a: b\r\n"] * 50, every_s=BOUND_S / 3)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


async def test_a_connection_that_asks_nothing_is_closed() -> None:
    async with served(echo) as connect:
        assert await talk(connect) == b""


async def test_a_header_without_end_is_refused_before_it_is_gathered() -> None:
    async with served(echo) as connect:
        answer = await talk(connect, b"GET / HTTP/1.1\r\nx: ", *[b"y" * 30_000] * 100)
    assert answer == b"" or (answer.startswith(b"HTTP/1.1 431 ") and str(MAX_HEAD).encode() in answer)


async def test_bodies_far_larger_than_a_head_may_be_are_taken() -> None:
    async with served(echo) as connect:
        body = b"y" * 900_000
        head = f"Content-Length: {len(body)}\r\n\r\n".encode()
        answer = await talk(connect, b"POST /import HTTP/1.1\r\n" + HEAD + head + body)
    assert answer.endswith(b"\r\n\r\n6\r\n900000\r\n0\r\n\r\n")
