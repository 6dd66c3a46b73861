"""What a rule shows of what came out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .emits import Emit, Late, Newest, RowError
from .log import RuleLog
from .output import Output
from .result import arrow_table, frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Results:
    """The newest of what came out of a rule, and its log."""

    _out: Output
    log: RuleLog

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
