"""Export and import: memories and relations as JSON lines.

Lines of an export: `{"type": "header", ...}`, then `{"type": "memory", ...}` and `{"type": "relation", ...}`, at last
`{"type": "end", ...}` with the counts, without which an export is not whole. An import takes the same lines, is
idempotent by memory id, and so may be broken off and repeated.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, model_validator

from memory_server import moments, vectors
from memory_server.collection import Collection
from memory_server.commits import Commits, Leave
from memory_server.domain import (
    CANARY,
    CORE,
    PROMOTED,
    GraphChange,
    Memory,
    Reach,
    Relation,
    Scope,
    Vector,
    as_text,
    now,
)
from memory_server.errors import Problem
from memory_server.filters import condition
from memory_server.graph import Graph, is_reserved_label
from memory_server.graph_scope import mark
from memory_server.maintenance import Gate
from memory_server.model_client import ModelClient, ModelError, TextTooLong
from memory_server.planning import entry, text_hash
from memory_server.postgres import Connection, Postgres
from memory_server.schemas import MAX_ID, Id, Metadata, Text, WhoseMemories, clean_text, not_blank
from memory_server.settings import Settings

PAGE = 500
BATCH = 200
BATCH_BYTES = 4 * 1024 * 1024
"""What is taken in one transaction, whichever comes first."""
FORMAT = 1
MAX_FAILURES = 100
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _label(kind: str) -> str:
    if is_reserved_label(kind):
        raise ValueError("is a label of the server's own")
    return kind


def _only_metadata(value: dict[str, Any]) -> dict[str, Any]:
    if beside := sorted(CORE & value.keys()):
        raise ValueError(f"must not contain {', '.join(beside)}: a line says it beside its metadata")
    return value


Name = Annotated[str, Field(min_length=1, max_length=MAX_ID), AfterValidator(clean_text), AfterValidator(not_blank)]
Kind = Annotated[Id, AfterValidator(_label)]
Moment = Annotated[str, AfterValidator(moments.stored)]


class HeaderLine(BaseModel):
    """What the lines after it were embedded with."""

    type: Literal["header"]
    format: int
    embedder: str = ""
    dimensions: int = 0


class OwnedLine(WhoseMemories):
    """A line that belongs to a user, an agent or a run."""

    @model_validator(mode="after")
    def _has_an_owner(self) -> Self:
        if not any(value and value.strip() for value in (self.user_id, self.agent_id, self.run_id)):
            raise ValueError("at least one of user_id, agent_id, run_id is required")
        if self.user_id == CANARY:
            raise ValueError(f"{CANARY} is the user of the health check alone")
        return self


class MemoryLine(OwnedLine):
    """One memory."""

    type: Literal["memory"] = "memory"
    id: UUID
    memory: Text
    actor_id: Id | None = None
    role: Id | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    metadata: Annotated[Metadata, AfterValidator(_only_metadata)] | None = None
    vector: list[Annotated[float, Field(strict=True)]] | None = None


class RelationLine(OwnedLine):
    """One relation between two entities."""

    type: Literal["relation"]
    source: Name
    relationship: Name
    destination: Name
    source_type: Kind | None = None
    destination_type: Kind | None = None
    memory_ids: list[Id] = Field(default_factory=list)
    told_by: list[tuple[Id | None, Id | None]] = Field(default_factory=list)
    """Agent and run of each who told it; older exports have none, which means those of the line."""


class EndLine(BaseModel):
    """The end of an export: how many lines of each kind there were."""

    type: Literal["end"]
    memories: int | None = None
    relations: int | None = None


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
    notes: list[str] = field(default_factory=list)
    """What is odd about the lines as a whole, for a person."""

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

            async def page(conn: Connection, last: UUID | None = last) -> list[tuple[Memory, Vector | None]]:
                return await self._collection.after(conn, where, last, PAGE, vectors=vectors)

            rows = await self._postgres.run("export", page)
            if not rows:
                break
            last = rows[-1][0].id
            memories += len(rows)
            for memory, vector in rows:
                yield _line(_memory_line(memory, vector))
        async for relation in self._graph.export(scope.ids(), PAGE):
            relations += 1
            yield _line({"type": "relation", **relation})
        yield _line({"type": "end", "memories": memories, "relations": relations})

    async def take(self, lines: AsyncIterator[bytes | None], reach: Reach) -> Report:
        """Import lines; None stands for one that was too long to be read. Those out of reach fail.

        Memories whose id is there already are skipped. Raises Problem when a store fails, or the format is unknown.
        """
        report = Report()
        batch = _Batch()
        seen = {"memory": 0, "relation": 0}
        number = 0
        try:
            async for raw in lines:
                number += 1
                line = _parse(number, raw, report)
                if isinstance(line, MemoryLine | RelationLine):
                    seen[line.type] += 1
                    if not reach.covers(line.scope()):
                        report.fail(number, "user_id: the key is bound to other users")
                        continue
                    batch.bytes += len(raw or b"")
                if isinstance(line, HeaderLine):
                    # What came before it was embedded with something else.
                    await self._take_batch(batch, report)
                    batch = _Batch(header=line)
                elif isinstance(line, MemoryLine):
                    batch.memories[number] = line
                elif isinstance(line, RelationLine):
                    batch.relations.append(line)
                elif isinstance(line, EndLine):
                    report.notes += _missing(line, seen)
                if batch.is_full:
                    await self._take_batch(batch, report)
                    batch = _Batch(header=batch.header)
            await self._take_batch(batch, report)
        except Problem as problem:
            problem.extra["progress"] = {"lines_read": number, "added": report.added, "skipped": report.skipped}
            raise
        report.failures.sort(key=lambda failure: failure["line"])
        return report

    async def _take_batch(self, batch: _Batch, report: Report) -> None:
        await self._take_memories(batch.memories, batch.header, report)
        await self._take_relations(batch.relations, report)

    async def _take_memories(self, lines: dict[int, MemoryLine], header: HeaderLine | None, report: Report) -> None:
        """Add memories, given by the number of their line."""
        lines = {number: line for number, line in lines.items() if self._has_good_vector(number, line, header, report)}
        ids = {line.id for line in lines.values()}

        async def owners(conn: Connection) -> dict[UUID, str | None]:
            return await self._collection.users_of(conn, ids)

        there = await self._postgres.run("existing", owners) if ids else {}
        first: dict[UUID, MemoryLine] = {}
        for number, line in list(lines.items()):
            owner = there[line.id] if line.id in there else first.setdefault(line.id, line).user_id
            if (owner or None) != (line.user_id or None):
                report.fail(number, "id: a memory of somebody else has it")
                del lines[number]
        new = list(first.values())
        report.skipped += len(lines) - len(new)
        if not new:
            return
        with self._gate.write():
            found = await self._vectors(new, header)
            for number, line in lines.items():
                if line.id not in there and line.id not in found:
                    report.fail(number, "memory: longer than the embedding model takes")
            rows = [(line.id, found[line.id], _payload(line)) for line in new if line.id in found]

            async def write(conn: Connection, leave: Leave) -> int:
                added = await self._collection.insert_missing(conn, rows)
                history = [entry("ADD", None, Memory(key, payload)) for key, _, payload in rows if key in added]
                await leave("", None, history)
                return len(added)

            count, _ = await self._commits.commit("import", write)
        report.added += count
        report.skipped += len(rows) - count

    def _is_our_embedder(self, header: HeaderLine | None) -> bool:
        ours = (self._settings.embedder_model, self._settings.embedder_dimensions)
        return header is not None and (header.embedder, header.dimensions) == ours

    def _has_good_vector(self, number: int, line: MemoryLine, header: HeaderLine | None, report: Report) -> bool:
        """Whether the line's vector can be searched by, where it is taken as it is; reports the line if not."""
        if not line.vector or not self._is_our_embedder(header):
            return True
        mistake = vectors.mistake(line.vector, self._settings.embedder_dimensions)
        if mistake:
            report.fail(number, f"vector: {mistake}")
        return not mistake

    async def _vectors(self, lines: list[MemoryLine], header: HeaderLine | None) -> dict[UUID, Vector]:
        """Vectors of the export where they come from the same embedder, else new ones; none of a text too long."""
        same = self._is_our_embedder(header)
        found = {line.id: line.vector for line in lines if same and line.vector}
        missing = [line for line in lines if line.id not in found]
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
        groups: defaultdict[tuple[Scope, tuple[str, ...], tuple[str, ...]], list[RelationLine]] = defaultdict(list)
        for line in lines:
            groups[line.scope(), tuple(line.memory_ids), tuple(mark(*teller) for teller in line.told_by)].append(line)
        names = list(dict.fromkeys(name for line in lines for name in (line.source, line.destination)))
        if not names:
            return
        with self._gate.write():
            try:
                vectors = dict(zip(names, await self._model.embed(names), strict=True))
            except ModelError as error:
                raise error.problem() from error

            async def write(_: Connection, leave: Leave) -> None:
                for (scope, memory_ids, told_by), members in groups.items():
                    change = _change(scope, members, vectors)
                    change = replace(change, memory_ids=list(memory_ids), told_by=list(told_by))
                    await leave(scope.key(), change, [])

            await self._commits.commit("import_relations", write)
        report.relations += len(lines)


@dataclass
class _Batch:
    """Lines that are taken together, memories by the number of their line."""

    header: HeaderLine | None = None
    memories: dict[int, MemoryLine] = field(default_factory=dict)
    relations: list[RelationLine] = field(default_factory=list)
    bytes: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.memories) >= BATCH or len(self.relations) >= BATCH or self.bytes >= BATCH_BYTES


def _parse(number: int, raw: bytes | None, report: Report) -> HeaderLine | MemoryLine | RelationLine | EndLine | None:
    """One line; None for one that is empty, or was reported. Raises Problem 400 for a header of another format."""
    if raw is None:
        report.fail(number, "longer than a line may be")
        return None
    if number == 1 and raw.startswith(BYTE_ORDER_MARK):
        report.notes.append("line 1 began with a byte order mark, which was left out")
        raw = raw.removeprefix(BYTE_ORDER_MARK)
    if not raw.strip():
        return None
    try:
        line = Line.validate_json(raw)
    except ValidationError as error:
        report.fail(number, _reason(error))
        return None
    if isinstance(line, HeaderLine) and line.format != FORMAT:
        detail = f"Line {number} is the header of format {line.format}; this server knows format {FORMAT}."
        raise Problem(400, "unknown-format", detail)
    return line


def _missing(end: EndLine, seen: dict[str, int]) -> list[str]:
    """What the end of an export counts, and was not among the lines."""
    promised = {"memory": end.memories, "relation": end.relations}
    return [
        f"the end counts {count} lines of type {kind}, and there were {seen[kind]}: the file is not whole"
        for kind, count in promised.items()
        if count is not None and count != seen[kind]
    ]


def _change(scope: Scope, lines: list[RelationLine], vectors: dict[str, Vector]) -> GraphChange:
    names = {name for line in lines for name in (line.source, line.destination)}
    types = {line.source: line.source_type for line in lines} | {
        line.destination: line.destination_type for line in lines
    }
    return GraphChange(
        scope=scope.node_ids(),
        add=[Relation(line.source, line.relationship, line.destination) for line in lines],
        types={name: kind for name, kind in types.items() if kind},
        vectors={name: vectors[name] for name in names},
    )


def _payload(line: MemoryLine) -> dict[str, Any]:
    created = line.created_at or now()
    owned = {"actor_id": line.actor_id, "role": line.role}
    return {
        **(line.metadata or {}),
        **line.scope().ids(),
        **{key: value for key, value in owned.items() if value},
        "data": line.memory,
        "hash": text_hash(line.memory),
        "created_at": created,
        "updated_at": line.updated_at or created,
    }


def _memory_line(memory: Memory, vector: Vector | None) -> dict[str, Any]:
    public = {key: value for key, value in memory.public().items() if value is not None and key != "hash"}
    # A version before this one kept them in whatever form they were sent.
    public |= {key: as_text(public[key]) for key in PROMOTED if key in public}
    return {"type": "memory", **public, **({"vector": vector} if vector else {})}


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
