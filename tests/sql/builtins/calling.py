"""Calls a built-in as a rule does: literals checked, nulls handled, a fault as its message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kuiper_nb.errors import RowFault
from kuiper_nb.sql.builtins import find
from kuiper_nb.sql.syntax import Constant, Expr, Name


@dataclass(frozen=True)
class At:
    """A scope at a moment: 2023-11-14T22:13:20.123Z, a Tuesday."""

    now: int = 1_700_000_000_123
    rule: str = "hot"
    started: int = 1_699_999_999_000


def outcome(name: str, *values: Any, written: tuple[Expr, ...] | None = None) -> Any:
    """The function's answer, or "fault: …"; *written* is how the arguments stand in the statement."""
    entry = find(name)
    assert entry is not None, name
    if entry.nulls != "call" and any(v is None or (isinstance(v, (list, dict)) and not v) for v in values):
        return {"nil": None, "false": False, "zero": 0}[entry.nulls]
    if entry.bind and written is not None:
        entry = entry.bind(written)
    try:
        return entry.reference(At(), *values) if entry.scope else entry.reference(*values)
    except RowFault as fault:
        return f"fault: {fault.message}"


def kinds(name: str) -> tuple[Any, ...]:
    """What literals must be in the function's arguments."""
    entry = find(name)
    assert entry is not None, name
    return entry.arguments


def checked(name: str, *values: Any) -> str:
    """What the function says of these literals when the rule is compiled; None is a column."""
    entry = find(name)
    assert entry is not None, name
    assert entry.check is not None, name
    return entry.check([Name(("v",)) if v is None else Constant(v) for v in values])
