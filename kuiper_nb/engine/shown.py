"""What a rule shows of itself: what came out, what failed and what came too late, and how its plan is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..sql.plan import Plan
from .emits import Emit, Late, Newest, RowError
from .ends import Ends, Input
from .explain import Explained, explained
from .log import RuleLog
from .output import Output
from .result import arrow_table, frame
from .vector import Vector
from .wiring import Wiring

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Shown:
    """The part of a `Rule` that only answers questions."""

    plan: Plan
    log: RuleLog
    _out: Output
    _ends: Ends
    _vector: Vector | None
    _wiring: Wiring

    @property
    def emits(self) -> Newest[Emit]:
        """What the sinks got, one per window; without a window one per micro-batch."""
        return self._out.emits

    @property
    def errors(self) -> Newest[RowError]:
        """What failed: rows, payloads, windows."""
        return self._out.errors

    @property
    def late(self) -> Newest[Late]:
        """Rows that came after the watermark had passed them."""
        return self._out.late

    def arrow(self) -> pa.Table:
        """All kept rows as one `pyarrow.Table`."""
        return arrow_table(self.emits)

    def df(self) -> pd.DataFrame:
        """All kept rows as a pandas DataFrame."""
        return frame(self.emits)

    def logs(self) -> list[str]:
        """The newest lines of its log, each with its time (UTC) and the place in the user's code; the newest last."""
        return [str(line) for line in self.log.lines()]

    def explain(self) -> Explained:
        """The plan's steps, the arm each takes and why, and the SQL that DuckDB runs."""
        return explained(self.plan, self._vector, self.sinks, self._wiring.caller.functions)

    @property
    def input(self) -> Input:
        """How its input comes: pushed from outside, bounded, or without an end that is known."""
        return self._ends.input

    @property
    def sinks(self) -> list[str]:
        """The names of its sinks."""
        return self._ends.sinks
