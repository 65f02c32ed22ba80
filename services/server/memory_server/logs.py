"""Structured logs: one JSON object a line, never a secret and never a memory's text."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

server = logging.getLogger("memory_server")
access = logging.getLogger("memory_server.access")
_audit = logging.getLogger("memory_server.audit")


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; extra members come from the record's `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            line["request_id"] = current
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["trace"] = _places(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False, default=str)


def _places(trace: Any) -> list[str]:
    """Where an error came from, without its message: drivers put parameters, that is memory texts, into messages."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)[-12:]]


def configure(level: str) -> None:
    """Send all logs to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Client libraries log request bodies, connection strings or Cypher at these levels.
    for noisy in ("httpx", "httpcore", "neo4j", "psycopg", "psycopg.pool", "mem0", "asyncio", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("neo4j.notifications").setLevel(logging.ERROR)


def audit(action: str, *, key: str, **fields: Any) -> None:
    """One line per write: who did what to which memories, without any text."""
    _audit.info(action, extra={"fields": {"audit": action, "key": key, **fields}})
