"""The row stage over columns of given types: queries, and between them the calls that Python answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from ..contracts import Failure
from ..duck import Cursor
from ..functions.call import RowCaller
from ..sql import resolved as r
from ..sql import syntax as s
from ..sql.syntax import Node
from .calls import answered
from .hoist import HIDDEN, Call, Site, has_call, is_call, sites
from .rowquery import RowQuery
from .typing import Mask, Typing, typing_of

Places = np.ndarray


@dataclass(slots=True)
class Outcome:
    """What became of a batch: *table* has the outputs of the rows at *places* (None: all, in order); *exact* are the
    places of rows for the evaluator; *failed* those whose call failed, with the failure and the call."""

    table: pa.Table
    rows: int
    places: Places | None = None
    exact: list[Places] = field(default_factory=list)
    failed: list[tuple[int, Failure, r.UserCall]] = field(default_factory=list)


class RowProgram:
    """Computes *outputs* of rows for which *where* holds. Queries are made when the types they meet are known.

    Raises NotLowered or QueryError when there is no DuckDB form.
    """

    def __init__(
        self,
        cursor: Cursor,
        outputs: Sequence[tuple[str, Node]],
        where: Node | None,
        caller: RowCaller,
        *,
        placed: bool = False,
        wrapped: bool = False,
        order: Sequence[tuple[Node, bool]] = (),
        order_first: Sequence[str] = (),
    ) -> None:
        self._cursor = cursor
        self._outputs = list(outputs)
        self._where = where
        self._caller = caller
        self._placed = placed
        self._wrapped = wrapped
        self._order = order
        self._order_first = order_first
        self._sites = sites([*(node for _, node in outputs), *(node for node, _ in order)], where)
        self._columns = {site.call: site.column for site in self._sites}
        self._queries: dict[tuple[str, Typing], RowQuery] = {}
        self._early_where = where if self._sites and not has_call(where) else None

    @property
    def texts(self) -> list[str]:
        """The SQL of its queries, as far as they are made."""
        return [query.text for query in self._queries.values()]

    @property
    def pending(self) -> str:
        """Why there is no SQL before the first batch."""
        if self._sites:
            return "queries around the calls are made with the first batch, when the types of the answers are known"
        return "nothing to compute: columns go through as they are"

    def prepare(self, typing: Typing) -> None:
        """Make the first query, so that NotLowered comes before any row does."""
        if not self._sites and not self._plain(typing):
            self._final(typing)

    def run(self, table: pa.Table, typing: Typing, misfits: Mask | None) -> Outcome:
        """Compute one batch."""
        outcome = Outcome(table, table.num_rows)
        if misfits is not None and self._sites:
            outcome.exact.append(np.flatnonzero(misfits))
            outcome.places = np.flatnonzero(~misfits)
            outcome.table = table.take(pa.array(outcome.places))
            misfits = None
        for level in sorted({site.level for site in self._sites}):
            self._call_level(outcome, [site for site in self._sites if site.level == level], first=level == 0)
        if misfits is None and self._plain(typing_of(outcome.table) if self._sites else typing):
            outcome.table = self._selected(outcome.table)
        else:
            query = self._final(typing_of(outcome.table) if self._sites else typing)
            self._narrow(outcome, query, misfits)
        outcome.rows = outcome.table.num_rows if self._outputs else outcome.rows
        bad = unsendable(outcome.table)
        if bad is not None:
            if outcome.places is None and self._where is not None and not self._placed:
                self._placed = True  # from now on it must be known which rows are answered
                self._queries.clear()
                return self.run(table, typing, misfits)
            self._set_aside(outcome, bad)
        return outcome

    # ---- queries

    def _plain(self, typing: Typing) -> bool:
        """Whether the outputs are columns as they are, of all rows: then there is nothing for SQL to do."""
        if self._order or self._placed or (self._where is not None and self._early_where is None):
            return False
        if self._where is not None and not self._sites:
            return False
        names = {name for name, _ in typing}
        return bool(self._outputs) and all(self._source(node) in names for _, node in self._outputs)

    def _source(self, node: Node) -> str | None:
        if isinstance(node, r.Column):
            return node.name
        return self._columns.get(node) if is_call(node) else None

    def _selected(self, table: pa.Table) -> pa.Table:
        columns = [table.column(self._source(node)) for _, node in self._outputs]
        return pa.table(columns, names=[name for name, _ in self._outputs])

    def _final(self, typing: Typing) -> RowQuery:
        where = None if self._early_where is not None else self._where
        return self._query("final", typing, self._outputs, where, order=self._order, order_first=self._order_first)

    def _query(
        self, stage: str, typing: Typing, outputs: Sequence[tuple[str, Node]], where: Node | None, **more: Any
    ) -> RowQuery:
        key = (stage, typing)
        if key not in self._queries:
            made: dict[Node, str] = {site.call: site.column for site in self._sites if site.column in dict(typing)}
            placed = self._placed or bool(self._sites)
            self._queries[key] = RowQuery(
                self._cursor, typing, outputs, where=where, calls=made, wrapped=self._wrapped, places=placed, **more
            )
        return self._queries[key]

    def _narrow(self, outcome: Outcome, query: RowQuery, misfits: Mask | None) -> None:
        """Run *query* over the rows that are left, and keep count of which those are."""
        answered = query(outcome.table, misfits)
        before = outcome.places
        if answered.exact is not None:
            outcome.exact.append(answered.exact if before is None else before[answered.exact])
        if answered.places is not None:
            outcome.places = answered.places if before is None else before[answered.places]
            outcome.rows = len(answered.places)
        outcome.table = answered.table

    # ---- calls

    def _call_level(self, outcome: Outcome, level: list[Site], *, first: bool) -> None:
        typing = typing_of(outcome.table)
        outputs: list[tuple[str, Node]] = [(name, r.Column(name)) for name, _ in typing]
        needs_query = first and self._early_where is not None
        for site in level:
            for number, argument in enumerate(site.call.arguments):
                if not isinstance(argument, r.Column) or argument.name not in dict(typing):
                    outputs.append((f"{site.column} argument {number}", argument))
                    needs_query = True
            if not site.always:
                outputs.append((f"{site.column} mask", _reached(site)))
                needs_query = True
        if needs_query:
            where = self._early_where if first else None
            self._narrow(outcome, self._query(f"level {level[0].level}", typing, outputs, where), None)
        for site in level:
            self._call(outcome, site)
        kept = set(self._columns.values())
        helpers = [n for n in outcome.table.column_names if n.startswith(f"{HIDDEN}call") and n not in kept]
        outcome.table = outcome.table.drop_columns(helpers)

    def _call(self, outcome: Outcome, site: Site) -> None:
        table = outcome.table
        arguments = []
        for number, argument in enumerate(site.call.arguments):
            name = f"{site.column} argument {number}"
            plain = isinstance(argument, r.Column) and name not in table.column_names
            arguments.append(table.column(argument.name if plain else name))  # type: ignore[attr-defined]
        reached = None
        if f"{site.column} mask" in table.column_names:
            reached = np.flatnonzero(table.column(f"{site.column} mask").to_numpy())
            arguments = [a.take(pa.array(reached)) for a in arguments]
        rows = table.num_rows if reached is None else len(reached)
        values, failures = answered(site.call, arguments, rows, self._caller)
        if reached is not None:
            values = _spread(values, reached, table.num_rows)
            failures = {int(reached[row]): failure for row, failure in failures.items()}
        outcome.table = table.append_column(site.column, values)
        if failures:
            self._drop_failed(outcome, site.call, failures)

    def _drop_failed(self, outcome: Outcome, call: Call, failures: Mapping[int, Failure]) -> None:
        for row, failure in sorted(failures.items()):
            place = row if outcome.places is None else int(outcome.places[row])
            if isinstance(call, r.UserCall):
                outcome.failed.append((place, failure, call))
            else:
                outcome.exact.append(np.array([place]))
        left = np.ones(outcome.table.num_rows, bool)
        left[list(failures)] = False
        kept = np.flatnonzero(left)
        outcome.places = kept if outcome.places is None else outcome.places[kept]
        outcome.table = outcome.table.take(pa.array(kept))
        outcome.rows = len(kept)

    @staticmethod
    def _set_aside(outcome: Outcome, bad: Mask) -> None:
        """NaN and the infinities have no JSON form: their rows go to the evaluator, which says so."""
        places = np.arange(outcome.rows) if outcome.places is None else outcome.places
        outcome.exact.append(places[bad])
        outcome.places = places[~bad]
        outcome.table = outcome.table.filter(pa.array(~bad))
        outcome.rows = len(outcome.places)


def unsendable(table: pa.Table) -> Mask | None:
    """Which rows hold a float that is not finite; None when no row does."""
    bad: Mask | None = None
    for column in table.columns:
        if pa.types.is_float64(column.type):
            values = (column.fill_null(0.0) if column.null_count else column).to_numpy()
            finite = np.isfinite(values)
            if not finite.all():
                bad = ~finite if bad is None else bad | ~finite
    return bad


def _reached(site: Site) -> Node:
    """An expression that is true for rows that get to the call: a CASE per path."""
    reached: Node | None = None
    for path in site.paths:
        value: s.Expr = s.Constant(True)
        for condition, wanted in reversed(path):
            branch, other = (value, s.Constant(False)) if wanted else (s.Constant(False), value)
            value = s.Case(None, ((condition, branch),), other)
        reached = value if reached is None else s.Binary("OR", reached, value)
    assert reached is not None
    return reached


def _spread(values: pa.Array, reached: Places, rows: int) -> pa.Array:
    """*values* at the places *reached* of an array that is null elsewhere."""
    index = np.full(rows, -1, np.int64)
    index[reached] = np.arange(len(reached))
    return (values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values).take(
        pa.array(index, mask=index < 0)
    )
