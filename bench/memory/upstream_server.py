"""Upstream's server at 1.0.11 as its own logic stands: plain FastAPI routes around one `Memory`, every failure a 500.

Run as `python upstream_server.py CONFIG PORT`, where CONFIG is a file with the library's configuration as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["MEM0_TELEMETRY"] = "False"

import uvicorn
from fastapi import FastAPI, HTTPException
from mem0 import Memory
from pydantic import BaseModel


class Message(BaseModel):
    """What was said, and by whom."""

    role: str
    content: str


class Create(BaseModel):
    """Upstream's body of an add."""

    messages: list[Message]
    user_id: str | None = None
    agent_id: str | None = None
    run_id: str | None = None
    metadata: dict[str, Any] | None = None
    infer: bool | None = None


class Search(BaseModel):
    """Upstream's body of a search."""

    query: str
    user_id: str | None = None
    agent_id: str | None = None
    run_id: str | None = None
    filters: dict[str, Any] | None = None
    limit: int | None = None


def create_app(memory: Memory) -> FastAPI:
    """The three routes that are compared. They are functions of threads, as upstream's are."""
    app = FastAPI()

    @app.post("/memories")
    def add(body: Create) -> Any:
        given = {k: v for k, v in body.model_dump().items() if v is not None and k != "messages"}
        return _answer(lambda: memory.add(messages=[m.model_dump() for m in body.messages], **given))

    @app.get("/memories")
    def get_all(user_id: str) -> Any:
        return _answer(lambda: memory.get_all(user_id=user_id))

    @app.post("/search")
    def search(body: Search) -> Any:
        given = {k: v for k, v in body.model_dump().items() if v is not None and k != "query"}
        return _answer(lambda: memory.search(query=body.query, **given))

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _answer(work: Any) -> Any:
    try:
        return work()
    except Exception as error:
        raise HTTPException(500, detail=str(error)) from error


if __name__ == "__main__":
    config = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    uvicorn.run(create_app(Memory.from_config(config)), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
