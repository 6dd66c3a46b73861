"""A rule that an error stopped starts again: how often it has, and when it will next."""

from __future__ import annotations

import random

from ..sql.restart import RestartStrategy


class Restarts:
    """The restarts of one rule since it was started: *attempt* is the last one, *at* (ms) when it is due, None when
    none is."""

    def __init__(self, strategy: RestartStrategy, *, exact: bool) -> None:
        self._strategy = strategy
        self._exact = exact
        self.attempt = 0
        self.at: int | None = None

    def forget(self) -> None:
        """The rule is started, or stopped, by someone: the count begins anew."""
        self.attempt, self.at = 0, None

    def schedule(self, now: int) -> int | None:
        """Plan the next restart after an error at *now* (ms); its delay in ms, None when there is none left.

        The delay varies by the strategy's jitter, but not on a clock on which the same calls give the same answer.
        """
        if self.attempt >= self._strategy.attempts:
            return None
        delay = self._strategy.delay_before(self.attempt, 0.0 if self._exact else random.uniform(-1, 1))
        self.attempt += 1
        self.at = now + delay
        return delay

    @property
    def count(self) -> str:
        """`restart 1 of 3`; '' before the first."""
        return f"restart {self.attempt} of {self._strategy.attempts}" if self.attempt else ""
