"""The table of built-in functions, one file a family. Names are case-insensitive and stand here in lower case."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from .entry import Builtin

FAMILIES = (
    "math",
    "string",
    "conversion",
    "array",
    "object",
    "datetime",
    "json",
    "hash",
    "misc",
    "aggregate",
    "analytic",
    "srf",
)


def family(name: str) -> tuple[Builtin, ...]:
    """The built-in functions of one family."""
    found: tuple[Builtin, ...] = import_module(f".{name}", __name__).BUILTINS
    return found


@cache
def table() -> dict[str, Builtin]:
    """Every built-in function by name."""
    return {b.name: b for name in FAMILIES for b in family(name)}


def find(name: str) -> Builtin | None:
    """The built-in of that name, in any case."""
    return table().get(name.lower())
