"""The real stores, the real model and the real server, for tests: containers and a process, all on loopback."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import docker
import httpx
import psycopg
from docker.models.containers import Container

T = TypeVar("T")

IMAGES = {
    "postgres": os.environ.get("MEM0_IMAGE_POSTGRES", "mem0/postgres:dev"),
    "neo4j": os.environ.get("MEM0_IMAGE_NEO4J", "mem0/neo4j:dev"),
    "model": os.environ.get("MEM0_IMAGE_MODEL", "mem0/model:dev"),
}
KEYS = {"admin": "admin-key-" + "a" * 20, "write": "write-key-" + "w" * 20, "read": "read-key-" + "r" * 20}
BOUND = "bound-key-" + "b" * 20
"""A key that may write, and reaches the memories of `BOUND_TO` alone."""
BOUND_TO = ("mine", "mine, too")
# Every character that a connection string or a shell could take for something else.
PASSWORD = "p@ss/w#rd%1 '\"\\$?&=:ü"
DATABASE, ROLE = "mem0_test", "mem0_user_test"
ROOT = Path(__file__).parents[2]


def eventually(what: str, ask: Callable[[], T], seconds: float = 60) -> T:
    """Ask until the answer is true; errors count as not yet."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            if answer := ask():
                return answer
            last = answer
        except (OSError, httpx.HTTPError, psycopg.Error) as e:
            last = e
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds:g} s; last seen: {last!r}")


def free_port() -> int:
    """A port of loopback nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stores:
    """Postgres, Neo4j and the model as containers on a network of their own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = f"st-{secrets.token_hex(4)}"
        self.ports = {name: free_port() for name in ("postgres", "neo4j", "neo4j-http", "model")}
        (directory / "password").write_text(PASSWORD)
        keys = [f"{role} {role} {key}\n" for role, key in KEYS.items()]
        (directory / "keys").write_text("".join(keys) + f"bound write {BOUND} {','.join(map(quote, BOUND_TO))}\n")
        for name in ("password", "keys"):
            (directory / name).chmod(0o644)
        directory.chmod(0o755)
        self._docker = docker.from_env()
        self._made: dict[str, Container] = {}

    def start(self) -> None:
        """Make network and containers."""
        directory = self.directory
        self._docker.networks.create(self.name)
        mount = {str(directory): {"bind": "/run/secrets", "mode": "ro"}}
        self._run(
            "postgres",
            {"postgres": 5432},
            environment={
                "POSTGRES_DB": DATABASE,
                "POSTGRES_USER": ROLE,
                "POSTGRES_PASSWORD_FILE": "/run/secrets/password",
            },
            volumes=mount,
            tmpfs={"/tmp": "mode=1777", "/var/run/postgresql": "mode=1777"},
            shm_size="256m",
        )
        self._run(
            "neo4j",
            {"neo4j": 7687, "neo4j-http": 7474},
            environment={
                "NEO4J_PASSWORD_FILE": "/run/secrets/password",
                "NEO4J_HEAP": "384m",
                "NEO4J_PAGECACHE": "64m",
            },
            volumes=mount,
            # The JVM unpacks a native library there.
            tmpfs={"/tmp": "mode=1777,exec"},
        )
        self._run("model", {"model": 8000}, tmpfs={"/tmp": "mode=1777"})

    def _run(self, service: str, ports: dict[str, int], **options: Any) -> None:
        self._made[service] = self._docker.containers.run(
            self._docker.images.get(IMAGES[service]),
            detach=True,
            name=f"{self.name}-{service}",
            network=self.name,
            ports={f"{inside}/tcp": ("127.0.0.1", self.ports[name]) for name, inside in ports.items()},
            **options,
        )

    def containers(self) -> dict[str, Container]:
        """The three by name."""
        return self._made

    @property
    def postgres(self) -> Container:
        """The Postgres container."""
        return self._made["postgres"]

    @property
    def neo4j(self) -> Container:
        """The Neo4j container."""
        return self._made["neo4j"]

    @property
    def model(self) -> Container:
        """The model's container."""
        return self._made["model"]

    def wait(self) -> None:
        """Return when all three answer. Fails at once, with its log, when one has ended."""

        def answer(service: str, ask: Callable[[], Any]) -> None:
            def alive() -> Any:
                container = self._made[service]
                container.reload()
                assert container.status == "running", container.logs(tail=30).decode()
                return ask()

            eventually(f"{service} answers", alive, 180)

        url = f"http://127.0.0.1:{self.ports['model']}/health"
        answer("postgres", lambda: self.sql("SELECT 1"))
        answer("neo4j", lambda: self.cypher("RETURN 1"))
        answer("model", lambda: httpx.get(url, trust_env=False).is_success)

    def heal(self) -> None:
        """Undo every fault."""
        for container in self.containers().values():
            container.reload()
            if container.status == "paused":
                container.unpause()
            elif container.status != "running":
                container.start()
            if not container.attrs["NetworkSettings"]["Networks"]:
                self._docker.networks.get(self.name).connect(container)
        self.wait()

    def disconnect(self, service: str) -> None:
        """Take a container off the network."""
        self._docker.networks.get(self.name).disconnect(self._made[service])

    def connect(self, service: str) -> None:
        """Put it back."""
        self._docker.networks.get(self.name).connect(self._made[service])

    def sql(self, text: str, *values: Any) -> list[Any]:
        """Rows of one statement."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.ports["postgres"],
            dbname=DATABASE,
            user=ROLE,
            password=PASSWORD,
            connect_timeout=5,
            autocommit=True,
        ) as conn:
            found = conn.execute(text, values)
            return found.fetchall() if found.description else []

    def cypher(self, text: str, **values: Any) -> list[list[Any]]:
        """Rows of one statement."""
        # Over HTTP: the driver waits for ever for a server that takes a connection and says nothing.
        reply = httpx.post(
            f"http://127.0.0.1:{self.ports['neo4j-http']}/db/neo4j/query/v2",
            json={"statement": text, "parameters": values},
            auth=("neo4j", PASSWORD.encode()),
            timeout=30,
            trust_env=False,
        )
        rows: list[list[Any]] = reply.raise_for_status().json()["data"]["values"]
        return rows

    def wipe(self) -> None:
        """Empty both databases as if they were new."""
        for (name,) in self.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            self.sql(f'DROP TABLE "{name}" CASCADE')
        self.cypher("MATCH (n) DETACH DELETE n")

    def close(self) -> None:
        """Remove everything that was made."""
        for container in self.containers().values():
            container.remove(force=True, v=True)
        for network in self._docker.networks.list(names=[self.name]):
            network.remove()
        self._docker.close()


@dataclass
class Server:
    """One server process on the stores."""

    stores: Stores
    data: Path
    instance_id: str = "0123456789abcdef"
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)

    def environment(self) -> dict[str, str]:
        """What the stack gives the container."""
        secret = str(self.stores.directory / "password")
        model = f"http://127.0.0.1:{self.stores.ports['model']}/v1"
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "MEM0_DIR": str(self.data / "mem0"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "METRICS_PORT": str(self.metrics_port),
            "INSTANCE_ID": self.instance_id,
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(self.stores.ports["postgres"]),
            "POSTGRES_DB": DATABASE,
            "POSTGRES_USER": ROLE,
            "POSTGRES_PASSWORD_FILE": secret,
            "NEO4J_URI": f"bolt://127.0.0.1:{self.stores.ports['neo4j']}",
            "NEO4J_PASSWORD_FILE": secret,
            "LLM_BASE_URL": model,
            "EMBEDDER_BASE_URL": model,
            "API_KEY_FILE": str(self.stores.directory / "keys"),
            "HISTORY_DB_PATH": str(self.data / "history.db"),
            "RATE_LIMIT_PER_SECOND": "0",
            **self.extra,
        }

    def spawn(self) -> None:
        """Start the process; do not wait for it."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "memory_server"], env=self.environment(), stdout=log, stderr=log, cwd=self.data
            )

    def start(self, *, ready: bool = True) -> Server:
        """Start and wait until it is ready, or only alive."""
        self.spawn()
        check = self.is_ready if ready else self.is_alive
        eventually(f"the server is {'ready' if ready else 'alive'}", check, 90)
        return self

    def is_alive(self) -> bool:
        """Whether /health answers. Fails at once when the process has ended."""
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log()[-3000:]}"
        return self.client(None).get("/health").is_success

    def is_ready(self) -> bool:
        """Whether /ready says so."""
        return self.is_alive() and self.client().get("/ready").is_success

    def exit_code(self, seconds: float = 90) -> int:
        """Wait for the process to end by itself."""
        assert self.process is not None
        return self.process.wait(seconds)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the process and return its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(60)
        self.process = None
        return code

    def client(self, role: str | None = "admin", timeout: float = 120) -> httpx.Client:
        """A client with the key of a role."""
        headers = {"X-API-Key": {**KEYS, "bound": BOUND}[role]} if role else {}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=timeout, trust_env=False)

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        return self.data / "server.log"

    def log(self) -> str:
        """Its output until now."""
        return self.log_path.read_text(encoding="utf-8")


@contextlib.contextmanager
def running(server: Server, *, ready: bool = True) -> Iterator[httpx.Client]:
    """A server that is stopped at the end of the block."""
    server.start(ready=ready)
    try:
        with server.client() as client:
            yield client
    finally:
        server.stop()
