"""The words the rest of the server speaks: scopes, memories, what a write changes in each store. Plain data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from memory_server import moments

Vector = list[float]
Event = Literal["ADD", "UPDATE", "DELETE"]

OWNERS = ("user_id", "agent_id", "run_id")
"""Payload members that say whose a memory is."""
PROMOTED = (*OWNERS, "actor_id", "role")
"""Payload members that upstream shows beside the memory; all others but the core ones are its `metadata`."""
CORE = frozenset({"data", "hash", "created_at", "updated_at", "id", *PROMOTED})

SPEAKER = "user"
"""What the one who speaks is called where no user is named; upstream's word."""
NO_USER = ""
"""Stands in the graph for the user of an add without one. Upstream puts its word there, which a user may bear."""
CANARY = "mem0:canary"
"""The user of the memory that a health check writes, finds and removes in one transaction; nobody else's name."""


def now() -> str:
    """The present moment as upstream writes it: ISO 8601 in UTC."""
    return moments.written(datetime.now(UTC))


def as_text(value: Any) -> str | None:
    """A member of a payload as Postgres' `->>` gives it, whatever somebody once stored under its name."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


@dataclass(frozen=True)
class Scope:
    """Whose memories: at least one of the three is set."""

    user_id: str | None = None
    agent_id: str | None = None
    run_id: str | None = None

    def ids(self) -> dict[str, str]:
        """The ids that are set, as payload members and filters."""
        return {name: value for name, value in asdict(self).items() if value}

    def node_ids(self) -> dict[str, str]:
        """The ids an entity node of this scope carries."""
        return {"user_id": NO_USER, **self.ids()}

    @property
    def speaker(self) -> str:
        """The name that "I" stands for."""
        return self.user_id or SPEAKER

    def key(self) -> str:
        """A text that is the same for the same scope, for locks and ordering."""
        return "\x1f".join((self.user_id or "", self.agent_id or "", self.run_id or ""))


@dataclass(frozen=True)
class Reach:
    """Whose memories may be seen and changed: those of `users`, or everybody's, agents' and runs' own too."""

    users: frozenset[str] | None = None

    def covers(self, scope: Scope) -> bool:
        """Whether a memory of this scope is within reach: all of its user's are, however narrow the scope."""
        return self.users is None or scope.user_id in self.users


EVERYBODY = Reach()


@dataclass(frozen=True)
class Memory:
    """One row of the collection; `distance` is set by a search (cosine, 0 is best)."""

    id: UUID
    payload: dict[str, Any]
    distance: float | None = None

    @property
    def text(self) -> str:
        """The remembered sentence."""
        return str(self.payload.get("data", ""))

    @property
    def scope(self) -> Scope:
        """Whose memory it is."""
        return Scope(*(as_text(self.payload.get(name)) for name in OWNERS))

    def public(self) -> dict[str, Any]:
        """Upstream's JSON form; a search hit also has `score` (distance) and `similarity` (1 is best)."""
        item: dict[str, Any] = {
            "id": str(self.id),
            "memory": self.text,
            "hash": self.payload.get("hash"),
            "metadata": {k: v for k, v in self.payload.items() if k not in CORE} or None,
        }
        if self.distance is not None:
            item["score"] = self.distance
            item["similarity"] = 1.0 - self.distance
        item["created_at"] = utc(self.payload.get("created_at"))
        item["updated_at"] = utc(self.payload.get("updated_at"))
        item.update({k: self.payload[k] for k in PROMOTED if k in self.payload})
        return item


def utc(stamp: Any) -> Any:
    """A timestamp with a zone in UTC; one without a zone, or none at all, as it is. Upstream's rule."""
    try:
        parsed = datetime.fromisoformat(stamp)
        return stamp if parsed.tzinfo is None else parsed.astimezone(UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        return stamp


@dataclass(frozen=True)
class HistoryEntry:
    """One line of a memory's change history, as upstream's SQLite table has it. `id` makes a repeat harmless."""

    id: str
    memory_id: str
    old_memory: str | None
    new_memory: str | None
    event: Event
    created_at: str | None
    updated_at: str | None
    is_deleted: int = 0
    actor_id: str | None = None
    role: str | None = None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> HistoryEntry:
        """Back from the intent row, where a version before this one may have left members that are no text."""
        members: dict[str, Any] = {k: v if k == "is_deleted" else as_text(v) for k, v in data.items()}
        return cls(**members)


@dataclass(frozen=True)
class Relation:
    """`source` -- `relationship` -- `destination`, names in upstream's form: lower case, underscores."""

    source: str
    relationship: str
    destination: str


@dataclass(frozen=True)
class GraphChange:
    """All that one write does to the graph, decided before it begins; the model is not asked again.

    `vectors` has the embedding of every name in `add`; `types` the entity type of those the model named.
    `memory_ids` are the memories that came with the relations in `add`, `told_by` the marks of those who told these,
    where that is not the scope itself. `forget` are memories that are gone, and with them the relations that came with
    no other; `gone` are those that went with their scope, whose relations others may have told as well.
    """

    scope: dict[str, str]
    add: list[Relation] = field(default_factory=list)
    invalidate: list[Relation] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    vectors: dict[str, Vector] = field(default_factory=dict)
    memory_ids: list[str] = field(default_factory=list)
    forget: list[str] = field(default_factory=list)
    wipe: Literal["scope", "everything"] | None = None
    told_by: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For the intent row."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> GraphChange:
        """Back from the intent row."""
        relations = {k: [Relation(**r) for r in data[k]] for k in ("add", "invalidate")}
        return cls(**{**data, **relations})
