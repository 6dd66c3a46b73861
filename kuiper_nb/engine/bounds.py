"""When a rule stops by itself, although its input goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """After *rows* rows or *emits* emits have gone out, or *ms* after its start; None for never.

    They are looked at at the borders of micro-batches, so a little more than *rows* may have gone out.
    """

    rows: int | None = None
    emits: int | None = None
    ms: int | None = None

    def reached(self, counts: Mapping[str, int], elapsed: int) -> str:
        """Which bound is reached, in words; '' for none."""
        if self.rows is not None and counts["rows_out"] >= self.rows:
            return f"{self.rows} {'row' if self.rows == 1 else 'rows'}"
        if self.emits is not None and counts["emits"] >= self.emits:
            return f"{self.emits} {'emit' if self.emits == 1 else 'emits'}"
        if self.ms is not None and elapsed >= self.ms:
            return f"{self.ms / 1000:g} s"
        return ""
