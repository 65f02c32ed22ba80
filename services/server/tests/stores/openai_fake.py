"""The strict fake of OpenAI's API as a process: test/harness/fakes/openai in front of the embedded model."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from tests.stores.stack import ROOT, Stores

MAIN = ROOT.parents[1] / "test/harness/fakes/openai/main.ts"


@dataclass(frozen=True)
class Fake:
    """A running fake. `url` is what a base URL is set to."""

    url: str

    def seen(self) -> list[dict[str, Any]]:
        """What it was asked so far: path, model, whether a key was sent, status."""
        found: list[dict[str, Any]] = httpx.get(self.url.removesuffix("/v1") + "/seen", trust_env=False).json()
        return found


@contextlib.contextmanager
def fake(stores: Stores, kind: Literal["openai", "ollama"], key: str | None = None) -> Iterator[Fake]:
    """One that knows OpenAI's models or Ollama's, and asks for `key` when there is one."""
    answers = f"http://127.0.0.1:{stores.ports['model']}/v1"
    command = ["node", str(MAIN), kind, answers, *([key] if key else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "the fake did not start: is Node 22.18 or newer on PATH?"
        yield Fake(url)
        process.stdin.close()
        process.wait(30)
