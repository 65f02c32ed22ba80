"""Tests on Python 3.11: no garbage is collected in the middle of `ast.parse`.

While it makes its objects, Python before 3.12 may collect garbage, and a finalizer of that may
parse too: pytest writes out the traceback of what a finalizer raises, and `traceback` parses the
lines in it. The inner parse changes the depth that the outer one counts, which then fails with
"SystemError: AST constructor recursion depth mismatch" (python/cpython#106905). From 3.12 on, which
the images have, garbage is collected between instructions alone.
"""

import ast
import functools
import gc
import sys
from typing import Any


def install() -> None:
    """Make `ast.parse` whole, for all that calls it by this name: pytest, traceback, inspect."""
    if sys.version_info >= (3, 12):
        return
    parse = ast.parse

    @functools.wraps(parse)
    def whole(*args: Any, **options: Any) -> ast.AST:
        collects = gc.isenabled()
        gc.disable()
        try:
            tree: ast.AST = parse(*args, **options)
        finally:
            if collects:
                gc.enable()
        return tree

    setattr(ast, "parse", whole)  # noqa: B010 - to a type checker, no function of a module may change
