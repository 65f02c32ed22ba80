"""Vectors that can be searched by: those whose distances the stores can compute."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHORTEST = 1e-12
LONGEST = 1e18
"""Lengths. pgvector adds up squares in single precision: a shorter vector is as near as can be to everything, and a
longer one to nothing."""


def mistake(vector: Sequence[object], dimensions: int) -> str | None:
    """What makes a vector unfit; None where nothing does."""
    if len(vector) != dimensions:
        return f"has {len(vector)} numbers, and the embedder {dimensions}"
    numbers = [x for x in vector if isinstance(x, int | float) and not isinstance(x, bool)]
    try:
        length = math.hypot(*numbers) if len(numbers) == dimensions else math.nan
    except OverflowError:
        length = math.inf
    if length < SHORTEST:
        return "is nothing but zeros, or next to that, which is near to no meaning"
    # Not a number is not at most anything.
    return None if length <= LONGEST else "has a number that is too large, or none"
