"""What the tests do to Python 3.11's parser; see services/shared/whole_parse.py."""

from __future__ import annotations

import ast
import gc

LINES = "\n".join(f"a{n} = f({n}, b[{n}] + c)" for n in range(300))


class Garbage:
    """Is collected only by a search for cycles, and parses when it goes, as a traceback that is written out does."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        ast.parse("x + 1")


def test_a_finalizer_that_parses_does_not_break_the_parse_it_came_into() -> None:
    before = gc.get_threshold()
    gc.set_threshold(20)
    try:
        for _ in range(30):
            for _ in range(3):
                Garbage()
            assert len(ast.parse(LINES).body) == 300
    finally:
        gc.set_threshold(*before)
