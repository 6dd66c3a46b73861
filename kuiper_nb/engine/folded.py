"""Rows of windows still open, folded into a part per pane and group."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..windowing.windows import BEGINNING
from .batch import Times
from .hoist import HIDDEN
from .typing import Typing

PANE, KEY, NUMBER = HIDDEN + "pane", HIDDEN + "first key", HIDDEN + "first number"
"""Columns of parts: where their pane begins; the key, and the number of arrival, of their first row."""

_FEW = 10_000


@dataclass(slots=True)
class Folded:
    """Parts of groups of rows with columns of *typing*. Panes have *length* (ms, or rows of a count window) and are
    counted from *anchor*. All rows with a key below *until* are folded."""

    typing: Typing
    anchor: int
    length: int
    until: int = BEGINNING
    parts: list[pa.Table] = field(default_factory=list)
    rows: int = 0
    size: int = 0

    def panes(self, keys: Times, upper: int) -> tuple[int, Times]:
        """Where the first pane of rows with *keys* begins, and which pane each is in, from 0 on; -1 for rows that are
        folded already, or lie at or beyond *upper*."""
        first = self.anchor + (int(keys.min()) - self.anchor) // self.length * self.length
        panes = keys - first
        panes //= self.length
        panes[(keys < self.until) | (keys >= upper)] = -1
        return first, panes

    def add(self, parts: pa.Table, rows: int) -> None:
        """Keep *parts* of so many *rows*."""
        self.parts.append(parts)
        self.rows += rows
        self.size += parts.num_rows

    @property
    def pays(self) -> bool:
        """Whether parts are far fewer than rows; with few rows nobody can tell."""
        return self.rows < _FEW or self.size * 2 < self.rows

    def between(self, lower: int, upper: int) -> pa.Table:
        """The parts of panes that begin from *lower* on and before *upper*."""
        found = pa.concat_tables(self.parts)
        begins = found.column(PANE).to_numpy()
        return found.filter(pa.array((begins >= lower) & (begins < upper)))

    def trim(self, least: int) -> None:
        """Let the parts of panes that end by *least* go."""
        self.parts = [part for table in self.parts if (part := self._left(table, least)).num_rows]

    def _left(self, table: pa.Table, least: int) -> pa.Table:
        begins = table.column(PANE).to_numpy()
        left = begins > least - self.length
        return table if left.all() else table.filter(pa.array(np.asarray(left)))
