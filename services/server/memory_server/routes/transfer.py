"""Bulk export and import as JSON lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from memory_server import logs
from memory_server.auth import Reader, Writer
from memory_server.domain import Scope
from memory_server.openapi import EVERYWHERE, problems
from memory_server.routes.deps import Store
from memory_server.schemas import QueryId
from memory_server.transfer import Transfer

router = APIRouter(tags=["transfer"], responses=problems(*EVERYWHERE))

MEDIA_TYPE = "application/x-ndjson"


@router.get(
    "/export",
    summary="Export memories as JSON lines",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "One object a line."}},
)
async def export_memories(
    request: Request,
    _store: Store,
    who: Reader,
    user_id: QueryId = None,
    agent_id: QueryId = None,
    run_id: QueryId = None,
    vectors: Annotated[bool, Query(description="With embeddings: larger, but imported without the model.")] = False,
) -> StreamingResponse:
    """All memories and relations, or those of a user, agent or run. The last line has the counts.

    A key that is bound to users has to name one of them.
    """
    transfer: Transfer = request.app.state.transfer
    scope = who.own(Scope(user_id or None, agent_id or None, run_id or None))
    logs.audit("export", key=who.name, scope=scope.ids())
    return StreamingResponse(transfer.export(scope, vectors=vectors), media_type=MEDIA_TYPE)


@router.post(
    "/import",
    summary="Import memories from JSON lines",
    responses=problems(400, 408, 413, 502),
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
async def import_memories(request: Request, _store: Store, who: Writer) -> dict[str, Any]:
    """Take the lines of an export. Memories that are there already are skipped: a repeat does no harm.

    Lines of a user that the key is not bound to are failures.
    """
    transfer: Transfer = request.app.state.transfer
    lines = _lines(request.stream(), request.app.state.settings.max_body_bytes)
    report = await transfer.take(lines, who.reach)
    logs.audit("import", key=who.name, added=report.added, skipped=report.skipped, relations=report.relations)
    return vars(report)


async def _lines(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes | None]:
    """The lines of a body; None in place of one that is longer than `limit` bytes, of which nothing is kept."""
    rest: bytes | None = b""
    async for chunk in chunks:
        first, *others = chunk.split(b"\n")
        rest = _joined(rest, first, limit)
        for piece in others:
            yield rest
            rest = _joined(b"", piece, limit)
    if rest != b"":
        yield rest


def _joined(line: bytes | None, piece: bytes, limit: int) -> bytes | None:
    """A line with the next piece of it; None once it is too long."""
    return None if line is None or len(line) + len(piece) > limit else line + piece
