"""The DuckDB arm of the stages: whole batches whose columns have types; what does not fit is left to the exact arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..contracts import Failure, Row
from ..duck import Cursor, Duck, QueryError
from ..errors import PlanError
from ..functions.call import RowCaller
from ..sql import resolved as r
from ..sql import syntax as s
from ..sql.depth import deep
from ..sql.evaluate import Frame
from ..sql.lowered import NotLowered
from ..sql.plan import Plan
from ..sql.syntax import Node
from ..types import to_arrow
from .answers import NotUniform
from .assembly import assembled, rows_of, visible
from .batch import FEW, Batch, filled
from .parameters import Parameters, as_columns
from .pushed import Pushed
from .rowprogram import Outcome, RowProgram
from .spanprogram import SpanProgram
from .spanstage import SpanStage
from .substitute import expanded, looked_at
from .typing import Mask, Typing, columnised, columns_of, not_finite, typing_of

Failures = Mapping[int, Mapping[int, Failure]]
"""Which calls failed, by the place of the row and the site of the call."""


@dataclass(slots=True)
class Partial:
    """The part of a batch that DuckDB computed. *make* answers its rows, *places* where they stood in the batch
    (None: all of it, in order), *exact* which rows the evaluator must take, *failures* what it need not call again."""

    size: int
    make: Callable[[], list[Row]]
    table: Callable[[], pa.Table | None]
    places: np.ndarray | None = None
    exact: np.ndarray | None = None
    failures: Failures = field(default_factory=dict)


@dataclass(slots=True)
class Entered:
    """The part of a batch that DuckDB let into windows: *table* has the rows at *places*. *exact* are the places of
    rows for the evaluator, *failures* what it need not call again for them."""

    table: pa.Table
    places: np.ndarray
    exact: np.ndarray | None = None
    failures: Failures = field(default_factory=dict)


class Vector:
    """The queries of one rule. `reasons` says why a stage, met with certain types, takes the exact arm."""

    @deep()
    def __init__(self, plan: Plan, caller: RowCaller, duck: Duck, parameters: Parameters) -> None:
        self.plan = plan
        self._computed = self._row_columns()
        self._passed = self._columns_as_they_are()
        self.plan = as_columns(plan)
        self._parameters = parameters if plan.parameters else None
        self.reasons: dict[str, str] = {}
        self._caller = caller
        self._duck = duck
        self._cursor: Cursor | None = None
        self._programs: dict[tuple[str, Typing, bool], RowProgram | None] = {}
        self._wrapped = False
        self.spans = SpanStage(self.plan, caller, self.open, self.reasons, self._parameters)
        self._filter = self._entry_condition()
        self._entering = looked_at(plan)

    # ---- what the pipeline asks

    def wants(self, batch: Batch) -> bool:
        """Whether *batch* is worth a query."""
        return len(batch) >= self.fewest

    @property
    def fewest(self) -> int:
        """How many rows are worth a query."""
        return FEW

    def interrupt(self) -> None:
        """Break off a query that runs."""
        if self._cursor is not None:
            self._cursor.interrupt()

    def open(self) -> Cursor:
        """The cursor of its queries, made when it is first asked for."""
        if self._cursor is None:
            self._cursor = self._duck.cursor()
        return self._cursor

    def close(self) -> None:
        """Let go of the cursor and everything prepared on it."""
        self._programs.clear()
        self.spans.close()
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None

    def rows(self, batch: Batch) -> Partial | None:
        """The row stage of a rule without a window. None when the exact arm must take the whole batch."""
        if self.plan.having is not None or self.plan.limit == 0 or self.plan.aggregate:
            return None
        known = self._columns(batch, self._computed)
        if known is None:
            return None
        table, typing, misfits = known
        if batch.rows is not None:
            unsendable = not_finite(batch.rows, self._passed)
            misfits = unsendable if misfits is None else misfits if unsendable is None else misfits | unsendable
        outcome = self._run("row", table, typing, misfits, self._row_program(batch, typing))
        return None if outcome is None else self._partial(batch, outcome)

    def enter(self, batch: Batch) -> Entered | None:
        """FILTER, and WHERE where it comes first. None when the exact arm must take the whole batch."""
        known = self._columns(batch, self._entering)
        if known is None or self.spans.program(known[1]) is None:
            return None
        table, typing, misfits = known
        everything = np.arange(len(batch))
        if self._filter is None and misfits is None:
            return Entered(table, everything)
        make = lambda wrapped: RowProgram(  # noqa: E731
            self.open(), [], self._filter, self._caller, placed=True, wrapped=wrapped
        )
        outcome = self._run("filter", table, typing, misfits, make)
        if outcome is None:
            return None
        places = everything if outcome.places is None else outcome.places
        accepted = table if len(places) == len(batch) else table.take(pa.array(places))
        return Entered(accepted, places, *_unanswered(outcome))

    def packed(self, frames: Sequence[Frame]) -> tuple[pa.Table, Mask] | None:
        """Rows that entered windows one by one, as a table of those that fit its types, and which do; None if none."""
        if any(frame.failures or frame.analytic for frame in frames):
            return None
        times = np.array([frame.at for frame in frames], np.int64)
        known = self._columns(Batch(times, times, [frame.row for frame in frames]), self._entering)
        if known is None or self.spans.program(known[1]) is None:
            return None
        table, _, misfits = known
        fits = np.ones(len(frames), bool) if misfits is None else ~misfits
        return table.filter(pa.array(fits)) if misfits is not None else table, fits

    def sketch(self) -> tuple[list[str], str]:
        """The SQL made so far, or what declared columns would get; and why there is none, where that is known."""
        made = [program for program in self._programs.values() if program is not None]
        texts = [*(text for program in made for text in program.texts), *self.spans.texts]
        declared = [(f.name, f.type) for f in self.plan.stream.fields]
        if texts or not declared:
            return texts, "" if texts else next(iter(self.reasons.values()), "")
        used = self.plan.columns
        typing: Typing = tuple((name, kind) for name, kind in declared if used is None or name in used)
        full = typing if self._parameters is None else self._parameters.typed(typing)
        empty = pa.schema([(name, to_arrow(kind)) for name, kind in typing]).empty_table()
        batch = Batch(np.empty(0, np.int64), np.empty(0, np.int64), None, empty)
        try:
            if self.plan.window is None:
                program = self._row_program(batch, typing)(False)
                program.prepare(full)
                return program.texts or [program.pending], ""
            return SpanProgram(self.open(), self.plan, full, self._caller).texts, ""
        except (NotLowered, QueryError) as why:
            return [], str(why)

    # ---- programs

    def _run(
        self,
        stage: str,
        table: pa.Table,
        typing: Typing,
        misfits: Mask | None,
        make: Callable[[bool], RowProgram],
    ) -> Outcome | None:
        if self._parameters is not None:
            table, typing = self._parameters.beside(table), self._parameters.typed(typing)
        for wrapped in (self._wrapped, True):
            key = (stage, typing, wrapped)
            try:
                if key not in self._programs:
                    self._programs[key] = None
                    with deep():
                        program = make(wrapped)
                        program.prepare(typing)
                    self._programs[key] = program
                found = self._programs[key]
                return found.run(table, typing, misfits) if found is not None else None
            except (NotLowered, PlanError) as why:
                self._programs[key] = None
                self.reasons[stage] = str(why)
                return None
            except NotUniform as why:
                self.reasons[stage] = f"{why} answers values of several types"
                return None
            except QueryError as error:
                if wrapped:
                    self._programs[key] = None
                    self.reasons[stage] = str(error)
                    return None
                self._wrapped = True
        return None

    def _row_program(self, batch: Batch, typing: Typing) -> Callable[[bool], RowProgram]:
        def make(wrapped: bool) -> RowProgram:
            outputs = self._outputs(batch, typing)
            placed = batch.rows is not None and self.plan.where is not None
            where = self._expanded(self.plan.where, typing, batch)
            return RowProgram(self.open(), outputs, where, self._caller, placed=placed, wrapped=wrapped)

        return make

    def _outputs(self, batch: Batch, typing: Typing) -> list[tuple[str, Node]]:
        """What to compute: of a table every output column, of dicts only the values."""
        outputs: list[tuple[str, Node]] = []
        fields = self.plan.fields
        named = {f.name for f in fields if f.kind != "star"}
        excluded = {name for f in fields if f.kind == "star" for name in f.star.exclude}
        for field_ in fields:
            if field_.kind == "star" and field_.star.replace:
                raise NotLowered("* REPLACE")
            if field_.kind == "value":
                node = self._expanded(field_.node, typing, batch)
                assert node is not None
                outputs.append((field_.name, node))
            elif batch.table is not None and field_.kind == "column":
                column = field_.node.name  # type: ignore[attr-defined]
                there = column in dict(typing) or self.plan.options.send_nil_field
                if there and column not in excluded and not field_.invisible:
                    outputs.append((field_.name, r.Column(column)))
            elif batch.table is not None:
                outputs += [(n, r.Column(n)) for n in columns_of(typing) if n not in named and n not in excluded]
        return outputs

    def _expanded(self, node: Node | None, typing: Typing, batch: Batch | None) -> Node | None:
        """*node* with aliases replaced; an alias that gives way to a column does, where all rows have the column."""
        if node is None:
            return None
        columns = dict(typing)

        def resolve(n: Node) -> Node:
            if isinstance(n, r.AliasRef):
                if n.column_first and batch is not None and batch.rows is not None:
                    raise NotLowered(f"{n.name} is a column or an alias, row by row")
                if n.column_first and n.name in columns:
                    return r.Column(n.name)
                return resolve(self.plan.aliases[n.name])
            return r.rebuilt(n, resolve)

        return resolve(node)

    def _entry_condition(self) -> Node | None:
        plan = self.plan
        if plan.window is None:
            return None
        conditions = [plan.window_filter, plan.where if plan.where_first else None]
        found = [expanded(c, plan.aliases) for c in conditions if c is not None]
        if len(found) == 2:
            return s.Binary("AND", found[0], found[1])
        return found[0] if found else None

    # ---- columns of a batch

    def _row_columns(self) -> frozenset[str]:
        """The columns that expressions look at, when rows come as dicts."""
        nodes = [self.plan.where, *(f.node for f in self.plan.fields if f.kind == "value")]
        found = [expanded(n, self.plan.aliases) for n in nodes if n is not None]
        return frozenset(n.name for node in found for n in r.walk(node) if isinstance(n, r.Column))

    def _columns_as_they_are(self) -> frozenset[str] | None:
        """The columns that are sent as they come, None for all."""
        if any(f.kind == "star" for f in self.plan.fields):
            return None
        return frozenset(f.node.name for f in self.plan.fields if f.kind == "column")  # type: ignore[attr-defined]

    def _columns(self, batch: Batch, names: frozenset[str] | None) -> tuple[pa.Table, Typing, Mask | None] | None:
        if batch.table is not None:
            table = batch.table
            if self.plan.window is not None and names is not None:
                table = filled(table.select([n for n in table.column_names if n in names]), len(batch))
            return table, typing_of(table), None
        if names is None:
            return None
        assert batch.rows is not None
        if self.plan.window is not None and not self._all_present(batch.rows):
            self.reasons["columnise"] = "some rows lack a column that is sent as it is"
            return None
        known = columnised(batch.rows, sorted(names))
        if known is None:
            self.reasons["columnise"] = "a column holds objects, arrays or bytes"
        return known

    def _all_present(self, rows: Sequence[Row]) -> bool:
        """Whether no row lacks a column whose absence would show in the output."""
        plain = [f.node.name for f in self.plan.fields if f.kind == "column"]  # type: ignore[attr-defined]
        known = rows.raw if isinstance(rows, Pushed) else rows  # decoding takes no column away, and gives none
        return all(name in row for name in plain for row in known)

    # ---- results

    def _partial(self, batch: Batch, outcome: Outcome) -> Partial:
        exact, failures = _unanswered(outcome)
        size = outcome.rows
        if batch.rows is not None:
            rows = batch.rows
            make = lambda: assembled(self.plan, rows, outcome.table, outcome.places)  # noqa: E731
            return Partial(size, make, lambda: None, outcome.places, exact, failures)
        table, omitted = visible(self.plan, outcome.table)
        make = lambda: rows_of(table, omitted, size)  # noqa: E731
        return Partial(size, make, lambda: table, outcome.places, exact, failures)


def _unanswered(outcome: Outcome) -> tuple[np.ndarray | None, Failures]:
    """The places of the rows that the evaluator must take, and the calls known to fail for them.

    A row whose call failed goes there too: only in the evaluator's order it shows which of its failures comes first.
    """
    failures: dict[int, dict[int, Failure]] = {}
    for place, failure, call in outcome.failed:
        failures.setdefault(place, {})[call.site] = failure
    places = [*outcome.exact, np.array(list(failures), np.intp)] if failures else outcome.exact
    return _union(places), failures


def _union(places: list[np.ndarray]) -> np.ndarray | None:
    if not places:
        return None
    together = np.unique(np.concatenate(places))
    return together if len(together) else None
