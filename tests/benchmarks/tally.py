"""What a case answered, in few numbers: those of two ways to compute the same must be equal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


class Tally:
    """Counts rows; when it *checks*, it also sums every column of numbers, which takes time."""

    def __init__(self, checks: bool) -> None:
        self.checks = checks
        self.rows = 0
        self.sums: dict[str, float] = {}

    def add(self, table: pa.Table | pa.RecordBatch) -> None:
        """Take notice of rows that came out."""
        self.rows += table.num_rows
        if not self.checks:
            return
        for name, column in zip(table.schema.names, table.columns, strict=True):
            if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
                self.sums[name] = self.sums.get(name, 0) + (pc.sum(column).as_py() or 0)

    def as_dict(self) -> dict[str, Any]:
        """For another process to read."""
        return {"rows": self.rows, **({"sums": self.sums} if self.checks else {})}


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two tallies are of the same rows; sums of floats are equal to 1e-9."""
    if one["rows"] != other["rows"]:
        return False
    sums, others = one.get("sums"), other.get("sums")
    if sums is None or others is None:
        return True
    return sums.keys() == others.keys() and all(math.isclose(sums[k], others[k], rel_tol=1e-9) for k in sums)
