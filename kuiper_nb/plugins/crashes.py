"""How often a plugin has died of late, and whether that is too often."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """How a plugin is kept: seconds of a batch, and of a start; so many crashes in so many seconds are too many.

    *elsewhere*: somebody else starts its processes, so there is no other when one has ended.
    """

    timeout: float = 10.0
    start: float = 60.0
    crashes: int = 3
    within: float = 300.0
    elsewhere: bool = False


class Crashes:
    """The newest of them, by *clock* (seconds)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at: deque[float] = deque()

    def add(self, why: str, policy: Policy) -> str:
        """One more, because of *why*; in words why nothing is to be started any more, '' while there may be."""
        if policy.elsewhere:
            return f"{why}; its process was started by somebody else: start and attach it again"
        now = self._clock()
        self._at.append(now)
        while self._at[0] < now - policy.within:
            self._at.popleft()
        if len(self._at) < policy.crashes:
            return ""
        return f"{len(self._at)} crashes within {policy.within:g} s, the last one: {why}"

    def clear(self) -> None:
        """New code, or somebody who knows better: none count."""
        self._at.clear()
