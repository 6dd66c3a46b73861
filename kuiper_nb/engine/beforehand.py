"""Calls inside aggregates, keys and the WHERE of a window: made for the rows of spans before those are grouped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..duck import Cursor
from ..functions.call import RowCaller
from ..sql import resolved as r
from ..sql.syntax import Node
from .hoist import HIDDEN, has_call
from .rowprogram import Places, RowProgram
from .substitute import Split
from .typing import Typing, typing_of


@dataclass(frozen=True, slots=True)
class Made:
    """The rows at *places* with the answers of the calls; the rows at *odd* have to be looked at by the evaluator."""

    table: pa.Table
    typing: Typing
    places: Places
    odd: Places


class Beforehand:
    """Computes every expression over rows that holds a call; `split` and *where* are then over columns alone.

    Raises NotLowered or QueryError when there is no DuckDB form.
    """

    def __init__(
        self, cursor: Cursor, typing: Typing, split: Split, where: Node | None, caller: RowCaller, wrapped: bool
    ) -> None:
        self._typing = typing
        self._values: dict[Node, str] = {}
        self.split = split.over_rows(self._column)
        outputs: list[tuple[str, Node]] = [(name, r.Column(name)) for name, _ in typing]
        outputs += [(name, node) for node, name in self._values.items()]
        self._program = RowProgram(cursor, outputs, where, caller, placed=True, wrapped=wrapped)

    @staticmethod
    def needed(split: Split, where: Node | None) -> bool:
        """Whether there is such a call."""
        arguments = [a for call in split.aggregates for a in r.children(call)]
        over_rows = [*map(split.expanded, split.keys), *split.lists, *arguments, where]
        return any(has_call(node) for node in over_rows)

    @property
    def texts(self) -> list[str]:
        """The SQL of its queries, as far as they are made."""
        return self._program.texts

    def __call__(self, table: pa.Table) -> Made:
        """The rows of *table* that WHERE lets through. Raises QueryError and NotUniform."""
        outcome = self._program.run(table, self._typing, None)
        places = np.arange(table.num_rows) if outcome.places is None else outcome.places
        failed = np.array([place for place, _, _ in outcome.failed], np.intp)
        odd = np.unique(np.concatenate([*outcome.exact, failed]).astype(np.intp))
        return Made(outcome.table, typing_of(outcome.table), places, odd)

    def _column(self, node: Node) -> Node:
        if not has_call(node):
            return node
        return r.Column(self._values.setdefault(node, f"{HIDDEN}value {len(self._values)}"))
