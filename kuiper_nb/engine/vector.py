"""The DuckDB arm of the stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ..windowing.windows import Span
from .batch import Batch, Times
from .buffer import Buffer
from .output import Output


class Vector:
    """Placeholder until the arm is wired."""

    def wants(self, batch: Batch) -> bool:
        return False

    def rows(self, batch: Batch, out: Output, arms: Counter[str]) -> Batch | None:
        return batch

    def enter(self, batch: Batch, releases: Times) -> tuple[Batch, Times, Batch | None, Times, int] | None:
        return None

    def windows(self, spans: list[Span], ats: list[int], buffer: Buffer, exactly: Callable[[list[Span], list[int]], None], out: Output) -> None:
        exactly(spans, ats)
