"""How deep an expression may be nested: `a + a + …` is a tree as deep as it is long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import PlanError
from ..process import ProcessSetting
from .resolved import children
from .syntax import Node

MOST = 300
"""Levels: the evaluator, the way to DuckDB's SQL and DuckDB itself recurse through them."""

_FRAMES = 8_000
_recursion = ProcessSetting(sys.getrecursionlimit, sys.setrecursionlimit, lambda before: max(before, _FRAMES))


def levels(root: Node) -> int:
    """How deep the tree of *root* is."""
    count, floor = 0, [root]
    while floor:
        count, floor = count + 1, [child for node in floor for child in children(node)]
    return count


def too_deep() -> PlanError:
    """The refusal of a statement that is nested deeper than can be computed."""
    return PlanError("the statement is nested too deeply", f"up to {MOST} levels work; IN (…) replaces a chain of OR")


@contextmanager
def deep() -> Iterator[None]:
    """Python's own limit on recursion is meant for programs, not for syntax trees; PlanError when even more is used."""
    try:
        with _recursion.needed():
            yield
    except RecursionError:
        raise too_deep() from None
