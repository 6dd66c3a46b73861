"""The span stage in DuckDB: windows that are finished, over rows or over the parts they were folded into."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import numpy as np
import pyarrow as pa

from ..duck import Cursor, QueryError
from ..errors import PlanError
from ..functions.call import RowCaller
from ..sql.depth import deep
from ..sql.lowered import NotLowered
from ..sql.plan import Plan
from ..windowing.windows import Span
from .answers import NotUniform
from .assembly import rows_of, visible
from .batch import Times
from .buffer import Buffer, FrameSegment, Rows, TableSegment
from .emits import Emit
from .folded import Folded
from .parameters import Parameters
from .spanprogram import Closed, SpanProgram
from .typing import Typing


class Exact(Enum):
    """The evaluator must say."""

    EXACT = "exact"


EXACT = Exact.EXACT
Verdict = Emit | Exact | None

OVERLAPS = 3
"""Where a row is in so many windows or more, panes that are folded once cost less than rows that are grouped again."""

FOLD_ROWS = 1 << 20
"""So many rows of open windows are folded before their windows end."""

ENDING = 2**62
"""Beyond every key."""

SPILL_BYTES = 64 << 20
"""Folded rows that take more memory than this go to disk."""


class SpanStage:
    """The queries of one rule's windows. *reasons*, shared with the row stage, says why windows take the exact arm.

    *plan* has columns in the place of its *parameters*; None when it has none. With parameters no row is folded: a
    window is computed with the values at its end.
    """

    def __init__(
        self,
        plan: Plan,
        caller: RowCaller,
        cursor: Callable[[], Cursor],
        reasons: dict[str, str],
        parameters: Parameters | None = None,
    ) -> None:
        self._plan = plan
        self._parameters = parameters
        self._caller = caller
        self._cursor = cursor
        self._reasons = reasons
        self._programs: dict[tuple[Typing, bool], SpanProgram | None] = {}
        self._wrapped = False
        self._overlapping = plan.window is not None and plan.window.step * OVERLAPS <= plan.window.length
        self._pays = True
        self.left = False  # whether, in some window, rows were left after WHERE

    @property
    def texts(self) -> list[str]:
        """The SQL made so far."""
        return [text for program in self._programs.values() if program is not None for text in program.texts]

    def close(self) -> None:
        """Let go of everything prepared."""
        self._programs.clear()

    def program(self, typing: Typing) -> SpanProgram | None:
        """How windows over such columns are computed; None when they cannot be, and there is no point in tables."""
        if self._parameters is not None:
            typing = self._parameters.typed(typing)
        key = (typing, self._wrapped)
        if key not in self._programs:
            self._programs[key] = None
            try:
                with deep():
                    made = SpanProgram(self._cursor(), self._plan, typing, self._caller, wrapped=self._wrapped)
                self._programs[key] = made
            except (NotLowered, QueryError, PlanError) as why:
                self._reasons["span"] = str(why)
        return self._programs[key]

    def windows(self, spans: list[Span], ats: list[int], buffer: Buffer) -> list[Verdict]:
        """What each span sends: an emit, nothing (None), or EXACT when the evaluator must say."""
        lower, upper = min(span.lower for span in spans), max(span.upper for span in spans)
        segments = buffer.touching(lower, upper)
        tables = [segment for segment in segments if isinstance(segment, TableSegment)]
        verdicts: list[Verdict] = [EXACT] * len(spans)
        typings = {segment.typing for segment in tables}
        if len(typings) != 1:
            return verdicts
        frames = [segment for segment in segments if isinstance(segment, FrameSegment)]
        chosen = [i for i, span in enumerate(spans) if not any(f.holds(span.lower, span.upper) for f in frames)]
        closed = self._closed([spans[i] for i in chosen], tables, typings.pop(), buffer)
        if closed is not None:
            self.left = self.left or bool(closed.filled.any())
            for number, i in enumerate(chosen):
                verdicts[i] = self._verdict(closed, number, ats[i])
        return verdicts

    def relieve(self, buffer: Buffer, anchor: int | None) -> None:
        """Fold rows of open windows when they have become many; *anchor* is where some window ends, once that is known.

        Their rows go to disk when they are large: the evaluator asks for them when a window holds a row for it.
        """
        tables = [segment for segment in buffer.tables if not segment.folded]
        if anchor is not None and self._pays and sum(map(len, tables)) >= FOLD_ROWS:
            typings = {segment.typing for segment in buffer.tables}
            program = self.program(typings.pop()) if len(typings) == 1 else None
            if program is not None and self._folds(program):
                self._fold(program, tables, buffer, anchor, ENDING)
                for segment in tables:
                    segment.folded = True
        buffer.spill(SPILL_BYTES)

    # ---- inside

    def _closed(self, spans: list[Span], segments: list[TableSegment], typing: Typing, buffer: Buffer) -> Closed | None:
        program = self.program(typing)
        if program is None or not spans:
            return None
        lower, upper = spans[0].lower, spans[-1].upper
        try:
            if buffer.folded is not None or (self._overlapping and self._pays and self._folds(program)):
                self._fold(program, [s for s in segments if not s.folded], buffer, upper, upper)
            if buffer.folded is not None and buffer.folded.parts:  # without, there is no row in these windows either
                return program.run_folded(spans, buffer.folded.between(lower, upper))
            table, keys = _joined([segment.within(lower, upper) for segment in segments])
            if self._parameters is not None:
                table = self._parameters.beside(table)
            return program.run(spans, table, keys)
        except NotUniform as why:
            self._reasons["span"] = f"{why} answers values of several types"
        except (QueryError, NotLowered) as error:
            buffer.unfold()
            if not self._wrapped:
                self._wrapped = True
                return self._closed(spans, segments, typing, buffer)
            self._reasons["span"] = str(error)
            if isinstance(error, NotLowered):  # known only now, by the types that calls have answered
                self._programs[program.typing, self._wrapped] = None
        return None

    def _folds(self, program: SpanProgram) -> bool:
        return self._parameters is None and program.folds

    def _fold(
        self, program: SpanProgram, segments: list[TableSegment], buffer: Buffer, anchor: int, upper: int
    ) -> None:
        """Fold the rows of *segments* below *upper*; where that makes nothing smaller, rows are not folded any more."""
        assert self._plan.window is not None
        folded = buffer.folded
        if folded is None or folded.typing != program.typing:
            buffer.unfold()
            folded = buffer.folded = Folded(program.typing, anchor, self._plan.window.pane)
            segments = [s for s in buffer.tables if s.typing == program.typing and s.least < upper]
        rows = [segment.within(folded.until, upper) for segment in segments if segment.most >= folded.until]
        if sum(len(keys) for _, keys, _, _ in rows):
            program.fold(folded, *_joined(rows), np.concatenate([numbers for _, _, _, numbers in rows]), upper)
        if upper < ENDING:
            folded.until = max(folded.until, upper)
        if not folded.pays:
            self._pays = False
            buffer.unfold()

    def _verdict(self, closed: Closed, number: int, at: int) -> Verdict:
        if number in closed.exact:
            return EXACT
        if not closed.filled[number]:
            silent = self._plan.group or (self._plan.where is not None and not self._plan.where_first)
            return None if silent else EXACT
        low, high = int(closed.offsets[number]), int(closed.offsets[number + 1])
        if self._plan.limit is not None:
            high = min(high, low + self._plan.limit)
        if low == high:
            return None
        size = high - low
        table, omitted = visible(self._plan, closed.table)
        make = lambda: rows_of(table.slice(low, size), omitted, size)  # noqa: E731
        return Emit(at, size=size, make=make, table=lambda: table.slice(low, size))


def _joined(rows: list[Rows]) -> tuple[pa.Table, Times]:
    """The rows of several segments, with their keys."""
    return pa.concat_tables([table for table, _, _, _ in rows]), np.concatenate([keys for _, keys, _, _ in rows])
