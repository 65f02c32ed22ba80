"""Export and import: memories and relations as JSON lines.

Lines of an export: `{"type": "header", ...}`, then `{"type": "memory", ...}` and `{"type": "relation", ...}`, at last
`{"type": "end", ...}` with the counts, without which an export is not whole. An import takes the same lines, is
idempotent by memory id, and so may be broken off and repeated.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from memory_server.collection import Collection
from memory_server.commits import Commits, Leave
from memory_server.domain import CORE, GraphChange, Memory, Relation, Scope, Vector, now
from memory_server.errors import Problem
from memory_server.filters import condition
from memory_server.graph import Graph
from memory_server.maintenance import Gate
from memory_server.model_client import ModelClient, ModelError, TextTooLong
from memory_server.planning import entry, text_hash
from memory_server.postgres import Connection, Postgres
from memory_server.schemas import Id, Metadata, Text, WhoseMemories
from memory_server.settings import Settings

PAGE = 500
BATCH = 200
FORMAT = 1
MAX_FAILURES = 100


class HeaderLine(BaseModel):
    """What the lines after it were embedded with."""

    type: Literal["header"]
    format: int = Field(ge=1, le=FORMAT)
    embedder: str = ""
    dimensions: int = 0


class OwnedLine(WhoseMemories):
    """A line that belongs to a user, an agent or a run."""

    @model_validator(mode="after")
    def _has_an_owner(self) -> Self:
        if not any(value and value.strip() for value in (self.user_id, self.agent_id, self.run_id)):
            raise ValueError("at least one of user_id, agent_id, run_id is required")
        return self


class MemoryLine(OwnedLine):
    """One memory."""

    type: Literal["memory"] = "memory"
    id: UUID
    memory: Text
    actor_id: Id | None = None
    role: Id | None = None
    created_at: str | None = None
    updated_at: str | None = None
    metadata: Metadata | None = None
    vector: list[float] | None = None


class RelationLine(OwnedLine):
    """One relation between two entities."""

    type: Literal["relation"]
    source: Id
    relationship: Id
    destination: Id
    source_type: Id | None = None
    destination_type: Id | None = None
    memory_ids: list[Id] = Field(default_factory=list)


class EndLine(BaseModel):
    """The end of an export."""

    type: Literal["end"]


Line = TypeAdapter[HeaderLine | MemoryLine | RelationLine | EndLine](
    Annotated[HeaderLine | MemoryLine | RelationLine | EndLine, Field(discriminator="type")]
)


@dataclass
class Report:
    """What an import did."""

    added: int = 0
    skipped: int = 0
    relations: int = 0
    failed: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, line: int, reason: str) -> None:
        """Count a line that could not be taken; the first of them are told."""
        self.failed += 1
        if len(self.failures) < MAX_FAILURES:
            self.failures.append({"line": line, "reason": reason})


class Transfer:
    """Carries memories out and in."""

    def __init__(
        self,
        settings: Settings,
        collection: Collection,
        postgres: Postgres,
        graph: Graph,
        model: ModelClient,
        commits: Commits,
        gate: Gate,
    ) -> None:
        self._settings = settings
        self._collection = collection
        self._postgres = postgres
        self._graph = graph
        self._model = model
        self._commits = commits
        self._gate = gate

    async def export(self, scope: Scope, *, vectors: bool) -> AsyncIterator[str]:
        """All lines of a scope, or of everything when it is empty. Pages by id: a slow reader holds no transaction."""
        settings = self._settings
        yield _line(
            {
                "type": "header",
                "format": FORMAT,
                "embedder": settings.embedder_model,
                "dimensions": settings.embedder_dimensions,
                "exported_at": now(),
            }
        )
        where = condition(scope)
        memories = relations = 0
        last: UUID | None = None
        while True:

            async def page(conn: Connection, last: UUID | None = last) -> list[tuple[Memory, Vector]]:
                return await self._collection.after(conn, where, last, PAGE)

            rows = await self._postgres.run("export", page)
            if not rows:
                break
            last = rows[-1][0].id
            memories += len(rows)
            for memory, vector in rows:
                yield _line(_memory_line(memory, vector if vectors else None))
        async for relation in self._graph.export(scope.ids(), PAGE):
            relations += 1
            yield _line({"type": "relation", **relation})
        yield _line({"type": "end", "memories": memories, "relations": relations})

    async def take(self, lines: AsyncIterator[bytes]) -> Report:
        """Import lines. Memories whose id is there already are skipped. Raises Problem when a store fails."""
        report = Report()
        header: HeaderLine | None = None
        memories: dict[int, MemoryLine] = {}
        relations: list[RelationLine] = []
        number = 0
        try:
            async for raw in lines:
                number += 1
                if not raw.strip():
                    continue
                try:
                    line = Line.validate_json(raw)
                except ValidationError as error:
                    report.fail(number, _reason(error))
                    continue
                if isinstance(line, HeaderLine):
                    header = line
                elif isinstance(line, MemoryLine):
                    memories[number] = line
                elif isinstance(line, RelationLine):
                    relations.append(line)
                if len(memories) >= BATCH:
                    await self._take_memories(memories, header, report)
                    memories = {}
                if len(relations) >= BATCH:
                    await self._take_relations(relations, report)
                    relations = []
            await self._take_memories(memories, header, report)
            await self._take_relations(relations, report)
        except Problem as problem:
            problem.extra["progress"] = {"lines_read": number, "added": report.added, "skipped": report.skipped}
            raise
        return report

    async def _take_memories(self, lines: dict[int, MemoryLine], header: HeaderLine | None, report: Report) -> None:
        """Add memories, given by the number of their line."""
        wanted = {line.id: line for line in lines.values()}

        async def existing(conn: Connection) -> set[UUID]:
            return await self._collection.existing(conn, wanted)

        there = await self._postgres.run("existing", existing) if wanted else set()
        new = [line for key, line in wanted.items() if key not in there]
        report.skipped += len(lines) - len(new)
        if not new:
            return
        with self._gate.write():
            vectors = await self._vectors(new, header)
            for number, line in lines.items():
                if line.id not in there and line.id not in vectors:
                    report.fail(number, "memory: longer than the embedding model takes")
            rows = [(line.id, vectors[line.id], _payload(line)) for line in new if line.id in vectors]

            async def write(conn: Connection, leave: Leave) -> int:
                added = await self._collection.insert_missing(conn, rows)
                history = [entry("ADD", None, Memory(key, payload)) for key, _, payload in rows if key in added]
                await leave("", None, history)
                return len(added)

            count, _ = await self._commits.commit("import", write)
        report.added += count
        report.skipped += len(rows) - count

    async def _vectors(self, lines: list[MemoryLine], header: HeaderLine | None) -> dict[UUID, Vector]:
        """Vectors of the export where they come from the same embedder, else new ones; none of a text too long."""
        settings = self._settings
        same = header is not None and (header.embedder, header.dimensions) == (
            settings.embedder_model,
            settings.embedder_dimensions,
        )
        found = {line.id: line.vector for line in lines if same and line.vector}
        missing = [line for line in lines if len(found.get(line.id, [])) != settings.embedder_dimensions]
        made = await self._embedded([line.memory for line in missing])
        return found | {line.id: vector for line, vector in zip(missing, made, strict=True) if vector}

    async def _embedded(self, texts: list[str]) -> list[Vector | None]:
        """A vector per text, None for one that is too long: that of another embedder was not. Raises Problem."""
        try:
            return list(await self._model.embed(texts))
        except TextTooLong:
            if len(texts) == 1:
                return [None]
            middle = len(texts) // 2
            return await self._embedded(texts[:middle]) + await self._embedded(texts[middle:])
        except ModelError as error:
            raise error.problem() from error

    async def _take_relations(self, lines: list[RelationLine], report: Report) -> None:
        groups: defaultdict[tuple[Scope, tuple[str, ...]], list[RelationLine]] = defaultdict(list)
        for line in lines:
            groups[line.scope(), tuple(line.memory_ids)].append(line)
        names = list(dict.fromkeys(name for line in lines for name in (line.source, line.destination)))
        if not names:
            return
        with self._gate.write():
            try:
                vectors = dict(zip(names, await self._model.embed(names), strict=True))
            except ModelError as error:
                raise error.problem() from error

            async def write(_: Connection, leave: Leave) -> None:
                for (scope, memory_ids), members in groups.items():
                    await leave(scope.key(), _change(scope, members, vectors, memory_ids), [])

            await self._commits.commit("import_relations", write)
        report.relations += len(lines)


def _change(
    scope: Scope, lines: list[RelationLine], vectors: dict[str, Vector], memory_ids: tuple[str, ...]
) -> GraphChange:
    names = {name for line in lines for name in (line.source, line.destination)}
    types = {line.source: line.source_type for line in lines} | {
        line.destination: line.destination_type for line in lines
    }
    return GraphChange(
        scope=scope.node_ids(),
        add=[Relation(line.source, line.relationship, line.destination) for line in lines],
        types={name: kind for name, kind in types.items() if kind},
        vectors={name: vectors[name] for name in names},
        memory_ids=list(memory_ids),
    )


def _payload(line: MemoryLine) -> dict[str, Any]:
    created = line.created_at or now()
    owned = {"actor_id": line.actor_id, "role": line.role}
    return {
        **{key: value for key, value in (line.metadata or {}).items() if key not in CORE},
        **line.scope().ids(),
        **{key: value for key, value in owned.items() if value},
        "data": line.memory,
        "hash": text_hash(line.memory),
        "created_at": created,
        "updated_at": line.updated_at or created,
    }


def _memory_line(memory: Memory, vector: Vector | None) -> dict[str, Any]:
    public = {key: value for key, value in memory.public().items() if value is not None and key != "hash"}
    return {"type": "memory", **public, **({"vector": vector} if vector else {})}


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
