"""What somebody has chosen in a result view; whatever a browser sends is checked before it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

Mode = Literal["append", "update", "single"]
MODES: tuple[Mode, ...] = ("append", "update", "single")
CHARTS = ("", "line", "bar")
PANELS = ("", "errors", "late", "logs")
SIZE = 20
"""Rows of a page."""

_MOST_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Choices:
    """*mode* append: the newest rows, update: the newest row per key, single: the newest row alone.

    *keys* are the columns that tell rows apart, *first* the number of the page's first row (None: the newest page),
    *chart* what is drawn of *columns* ("" for nothing), one line per value of *by* where that is given, over *x* ("":
    when the row was sent); *panel* is the table that is open below: errors, late rows or the log.
    """

    mode: Mode = "append"
    keys: tuple[str, ...] = ()
    first: int | None = None
    frozen: bool = False
    chart: str = ""
    columns: tuple[str, ...] = ()
    by: str = ""
    x: str = ""
    panel: str = ""

    def with_those(self, given: Mapping[str, Any]) -> Choices:
        """These choices with those that *given* holds and that are possible."""
        taken = {name: value for name, check in _CHECKS.items() if (value := check(given.get(name, _NOT))) is not _NOT}
        if "mode" in taken:
            taken.setdefault("first", None)
        return replace(self, **taken)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "mode": self.mode, "keys": list(self.keys), "first": self.first, "frozen": self.frozen,
            "chart": self.chart, "columns": list(self.columns), "by": self.by, "x": self.x, "panel": self.panel,
        }  # fmt: skip


_NOT: Any = object()


def _one_of(possible: tuple[str, ...]) -> Any:
    return lambda value: cast("Any", value) if value in possible and isinstance(value, str) else _NOT


def _names(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return _NOT
    return tuple(dict.fromkeys(value))[:_MOST_COLUMNS]


def _number(value: Any) -> Any:
    if value is None:
        return None
    return max(value, 0) if isinstance(value, int) and not isinstance(value, bool) else _NOT


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else _NOT


def _flag(value: Any) -> Any:
    return value if isinstance(value, bool) else _NOT


_CHECKS = {
    "mode": _one_of(MODES), "keys": _names, "first": _number, "frozen": _flag, "chart": _one_of(CHARTS),
    "columns": _names, "by": _text, "x": _text, "panel": _one_of(PANELS),
}  # fmt: skip
