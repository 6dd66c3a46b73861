"""Decorators for plain functions of a plugin: what they mark is served when the file is done.

They take what the decorators of the notebook take, so that code moves between a cell and a plugin as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Marked:
    """A function, class or generator that was decorated."""

    name: str
    kind: Literal["function", "source", "sink"]
    make: Callable[..., Any]
    vectorized: bool = False
    aggregate: bool = False
    live: bool = False


marked: dict[tuple[str, str], Marked] = {}
"""By kind and name; the last of a name counts."""


def function(f: Any = None, *, name: str | None = None, vectorized: bool = False, process: bool = True) -> Any:
    """A function of SQL: values in, value out, or, *vectorized*, arrays in, array out. It is in a *process* already."""
    return _marking(f, lambda g: Marked(name or g.__name__, "function", g, vectorized))


def aggregate(f: Any = None, *, name: str | None = None, process: bool = True) -> Any:
    """A function of SQL over the values of a group: a list per argument in, value out."""
    return _marking(f, lambda g: Marked(name or g.__name__, "function", g, aggregate=True))


def source(f: Any = None, *, name: str | None = None, live: bool = False, process: bool = True) -> Any:
    """A source: a generator of rows, lists of rows, bytes or Arrow; its parameters are the stream's options.

    *live*: it reads the world, so bounded notebooks replay a recording instead.
    """
    return _marking(f, lambda g: Marked(name or g.__name__, "source", g, live=live or getattr(g, "live", False)))


def sink(f: Any = None, *, name: str | None = None, process: bool = True) -> Any:
    """A sink: called with each emit, as rows, or what its first parameter is annotated as (bytes, pyarrow.Table)."""
    return _marking(f, lambda g: Marked(name or g.__name__, "sink", g))


def _marking(f: Any, made: Callable[[Any], Marked]) -> Any:
    def mark(g: Any) -> Any:
        found = made(g)
        marked[found.kind, found.name] = found
        return g

    return mark if f is None else mark(f)
