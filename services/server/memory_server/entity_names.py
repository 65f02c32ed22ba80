"""Names of entities: which new ones mean the same, and which a question mentions. Pure."""

from __future__ import annotations

import math
import re

from memory_server.domain import GraphChange, Scope, Vector

LONGEST_NAME = 4
"""Words of a question that may make up one name."""
SELF = frozenset({"i", "me", "my", "mine", "myself", "we", "us", "our", "ich", "mich", "mir", "mein", "meine",
                  "meinen", "meiner", "meinem", "wir", "uns", "unser", "unsere"})  # fmt: skip
_WORD = re.compile(r"(?:(?<!\S)[-+−–±](?=\d))?[^\W_]+(?:['’-][^\W_]+)*(?:\+\+|#)?")


def resolve_new(change: GraphChange, known: set[str], threshold: float) -> dict[str, str]:
    """For each new name the earlier new name that it is near enough to be the same entity as.

    Upstream looks every name up right after creating the one before, so near names of one add become one node. The
    two ends of one relation stay two: an entity is not related to itself.
    """
    ends = {frozenset((r.source, r.destination)) for r in change.add}
    names = dict.fromkeys(n for r in change.add for n in (r.source, r.destination) if n not in known)
    aliases: dict[str, str] = {}
    for name in names:
        for earlier, meaning in aliases.items():
            if meaning != earlier or frozenset((name, earlier)) in ends:
                continue
            if round(cosine(change.vectors[name], change.vectors[earlier]), 4) >= threshold:
                aliases[name] = earlier
                break
        else:
            aliases[name] = name
    return aliases


def without_loops(change: GraphChange, exact: dict[str, str], near: dict[str, str]) -> dict[str, str]:
    """The `near` nodes of names, without those that would relate a node to itself: their name gets its own node."""
    nodes = near | exact
    clashing = {
        name
        for r in change.add
        if r.source != r.destination and nodes.get(r.source, r.source) == nodes.get(r.destination, r.destination)
        for name in ((r.destination,) if r.destination not in exact else (r.source,))
    }
    return {name: node for name, node in near.items() if name not in clashing}


def cosine(a: Vector, b: Vector) -> float:
    """Cosine of the angle between two vectors; 0 when one is zero."""
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


def mentioned(question: str, scope: Scope) -> list[str]:
    """All names that entities in `question` could have: runs of its words, and the user where it says "my"."""
    words = [word.lower() for word in _WORD.findall(question)][:64]
    names: dict[str, None] = {}
    for size in range(1, LONGEST_NAME + 1):
        for start in range(len(words) - size + 1):
            run = words[start : start + size]
            names["_".join(run)] = None
            # "bees" asks for the entity "bee", "bee" for "bees".
            last = run[-1]
            if len(last) > 3:
                other = last[:-1] if last.endswith("s") else f"{last}s"
                names["_".join([*run[:-1], other])] = None
    if SELF.intersection(words):
        names[scope.speaker.lower().replace(" ", "_")] = None
    return list(names)
