"""The two servers side by side on the same stores, and what a load on them finds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.stores.stack import KEYS, Server, Stores, eventually, free_port, running
from tests.stores.upstream import upstream_config

HERE = Path(__file__).parent


@dataclass
class Reply:
    """An answer."""

    status: int
    body: bytes

    @property
    def good(self) -> bool:
        """Whether it is what was asked for."""
        return self.status == 200

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Client:
    """One kept connection. A whole HTTP library would take as much of the processor as the server that is measured."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Reply:
        """POST a body, or GET without one. Both servers tell the length of their answers."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        sent = json.dumps(body).encode() if body is not None else b""
        lines = [
            f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            f"X-API-Key: {KEYS['admin']}",
            "Content-Type: application/json",
            f"Content-Length: {len(sent)}",
        ]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + sent)
        status, *headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(header.lower().split(": ", 1) for header in headers if header)
        return Reply(int(status.split()[1]), await reader.readexactly(int(fields["content-length"])))

    def close(self) -> None:
        """Give the connection back."""
        if self._streams:
            self._streams[1].close()


@dataclass
class Target:
    """A server under load. `pid` is its process."""

    name: str
    port: int
    pid: int

    def client(self) -> contextlib.closing[Client]:
        """A client of its own."""
        return contextlib.closing(Client(self.port))

    @property
    def resident_mib(self) -> float:
        """Resident memory of the process, MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024


@contextlib.contextmanager
def ours(stores: Stores, directory: Path, model_url: str) -> Iterator[Target]:
    """Our server, with its limit of requests per second off."""
    directory.mkdir(exist_ok=True)
    server = Server(stores, directory, extra={"LLM_BASE_URL": model_url, "EMBEDDER_BASE_URL": model_url})
    with running(server):
        assert server.process is not None
        yield Target("ours", server.port, server.process.pid)


@contextlib.contextmanager
def upstream(stores: Stores, directory: Path, model_url: str) -> Iterator[Target]:
    """Upstream's, in the virtual environment that MEM0_UPSTREAM_PYTHON names."""
    directory.mkdir(exist_ok=True)
    config = directory / "config.json"
    config.touch(mode=0o600)
    config.write_text(json.dumps(upstream_config(stores, directory, model_url)), encoding="utf-8")
    port = free_port()
    health = f"http://127.0.0.1:{port}/health"
    env = {"PATH": os.environ["PATH"], "MEM0_DIR": str(directory), "HOME": str(directory)}
    command = [os.environ.get("MEM0_UPSTREAM_PYTHON", sys.executable), str(HERE / "upstream_server.py")]
    with (directory / "server.log").open("ab") as log:
        process = subprocess.Popen([*command, str(config), str(port)], env=env, stdout=log, stderr=log)
    try:
        eventually("upstream answers", lambda: httpx.get(health, trust_env=False).is_success, 120)
        yield Target("upstream", port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


@dataclass
class Load:
    """What a load found: seconds of each answer, and how long it all took."""

    seconds: list[float] = field(default_factory=list)
    took: float = 0.0
    failed: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(self.seconds + other.seconds, self.took + other.took, self.failed + other.failed)

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.seconds) / self.took

    def at(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))] * 1000


Ask = Callable[[Client, int], Awaitable[Reply]]


async def load(target: Target, clients: int, seconds: float, ask: Ask, rate: float = 0) -> Load:
    """Have `clients` ask one after the other for `seconds`; `ask` gets a number that grows.

    With a `rate` there are that many requests a second, as far as the server keeps up; without, as many as it answers.
    """
    found = Load()
    number = iter(range(10**9))
    started = time.perf_counter()

    async def one() -> None:
        with target.client() as client:
            while time.perf_counter() - started < seconds:
                n = next(number)
                if rate:
                    await asyncio.sleep(max(0, started + n / rate - time.perf_counter()))
                begun = time.perf_counter()
                reply = await ask(client, n)
                found.seconds.append(time.perf_counter() - begun)
                found.failed += not reply.good

    await asyncio.gather(*(one() for _ in range(clients)))
    found.took = time.perf_counter() - started
    return found
