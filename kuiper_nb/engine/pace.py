"""How long the steps of a rule take, and how long it has been running: figures for whoever looks, never for a test."""

from __future__ import annotations

from collections import deque


class Pace:
    """The newest steps that had something to do; kept by the thread that makes them, read by any other."""

    def __init__(self, keep: int = 512) -> None:
        self._took: deque[float] = deque(maxlen=keep)

    def step(self, seconds: float) -> None:
        """One step took so long."""
        self._took.append(seconds * 1000)

    def quantiles(self) -> tuple[float, float] | None:
        """The median and the 99th percentile in ms; None before the first step."""
        took = sorted(self._took)
        if not took:
            return None
        return took[(len(took) - 1) // 2], took[round((len(took) - 1) * 0.99)]
