"""How deep an expression may be nested: `a + a + …` is a tree as deep as it is long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import PlanError
from .resolved import children
from .syntax import Node

MOST = 300
"""Levels: the evaluator, the way to DuckDB's SQL and DuckDB itself recurse through them."""

_FRAMES = 8_000
_lock = threading.Lock()
_within = 0
_before = 1_000


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
    global _within, _before  # noqa: PLW0603
    with _lock:
        if _within == 0:
            _before = sys.getrecursionlimit()
            sys.setrecursionlimit(max(_before, _FRAMES))
        _within += 1
    try:
        yield
    except RecursionError:
        raise too_deep() from None
    finally:
        with _lock:
            _within -= 1
            if _within == 0:
                sys.setrecursionlimit(_before)
