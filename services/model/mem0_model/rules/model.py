"""The plain values that the rules take and give."""

from dataclasses import dataclass
from typing import Literal

Event = Literal["ADD", "UPDATE", "DELETE", "NONE"]


@dataclass(frozen=True, slots=True)
class Memory:
    """An old memory: `id` as mem0 numbered it ("0", "1", ...)."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one memory; `old` is the replaced text of an UPDATE."""

    id: str
    text: str
    event: Event
    old: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that a text names, and its kind (snake case, from a small fixed set)."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Relation:
    """An edge of the graph; `name` is snake case ASCII, fit for a Cypher relationship type."""

    source: str
    name: str
    destination: str
