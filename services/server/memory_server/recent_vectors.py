"""Vectors of the texts embedded last: names of entities come again with every sentence about them."""

from __future__ import annotations

from array import array
from collections import OrderedDict

from memory_server.domain import Vector

MAX_TEXTS = 2048
"""At 384 dimensions 6 MiB, at 1,536 24 MiB."""
MAX_LENGTH = 500
"""Names, facts and questions are short; a long text hardly comes twice."""


class RecentVectors:
    """A text keeps its vector until as many others have come after its last use."""

    def __init__(self, size: int = MAX_TEXTS) -> None:
        self._size = size
        self._vectors: OrderedDict[str, array[float]] = OrderedDict()

    def get(self, text: str) -> Vector | None:
        """The vector of a text, None when it is not known any more."""
        found = self._vectors.get(text)
        if found is None:
            return None
        self._vectors.move_to_end(text)
        return found.tolist()

    def keep(self, text: str, vector: Vector) -> None:
        """Remember a vector, and forget the one not asked for the longest."""
        if len(text) > MAX_LENGTH:
            return
        self._vectors[text] = array("d", vector)
        self._vectors.move_to_end(text)
        if len(self._vectors) > self._size:
            self._vectors.popitem(last=False)
