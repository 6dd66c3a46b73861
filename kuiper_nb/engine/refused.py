"""Rows that a condition is known to fail on: what it said of the same texts before is said again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from ..contracts import Row
from ..sql import resolved as r
from ..sql import syntax as s
from ..sql.syntax import Node

_PURE = (s.Constant, s.Binary, s.Between, s.In, s.Case, s.Paren, r.Column)
_HASHABLE = frozenset((str, float, int, bool, type(None)))
_MOST = 1024


class Refused:
    """Messages of faults, by the values of the columns that a condition looks at.

    The same few texts (`n/a`, an empty one) are what dirty rows mostly hold where a number belongs, and a fault costs
    far more than any answer. Only texts and nulls are remembered: other values may be equal and yet not print alike.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._messages: dict[Any, str] = {}

    def messages(self, rows: Sequence[Row]) -> Iterable[str | None]:
        """What the condition says of each row that it is known, by the time it is asked for, to fail on."""
        columns = [list(map(dict.get, rows, repeat(name))) for name in self._columns]
        if not all(_HASHABLE.issuperset(map(type, values)) for values in columns):
            return repeat(None, len(rows))
        return map(self._messages.get, columns[0] if len(columns) == 1 else zip(*columns, strict=True))

    def note(self, row: Row, message: str) -> None:
        """The condition failed on *row*."""
        values = tuple(map(row.get, self._columns))
        if len(self._messages) < _MOST and all(value is None or type(value) is str for value in values):
            self._messages[values[0] if len(values) == 1 else values] = message


def refused(condition: Node | None, aliases: Mapping[str, Node]) -> Refused | None:
    """A memory for *condition*; None when more than the values of its columns may decide what it says."""
    if condition is None:
        return None
    columns = set()
    for node in r.reach(condition, aliases):
        if isinstance(node, r.Column):
            columns.add(node.name)
        elif not isinstance(node, _PURE) and not (isinstance(node, r.AliasRef) and not node.column_first):
            return None
    return Refused(tuple(sorted(columns))) if columns else None
