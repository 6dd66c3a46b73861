"""When a rule has something to do: what its thread, or the timeline of a virtual clock, asks before the next step."""

from __future__ import annotations

import threading

from ..contracts import Clock
from .bounds import Bounds
from .ends import Ends
from .pipeline import Pipeline
from .restart import Restarts
from .status import State
from .wiring import Wiring
from .worker import Worker


class Scheduled:
    """The next moment of a rule, and whether it is active, paced or idle until then."""

    bounds: Bounds
    _wiring: Wiring
    _ends: Ends
    _pipeline: Pipeline | None
    _restarts: Restarts
    _worker: Worker
    _lock: threading.RLock
    _awake: threading.Event
    _state: State
    _stopping: bool
    _started: int | None

    def due(self) -> int | None:
        """When a step would have something to do (ms); None when only a push brings that about."""
        end = None if self.bounds.ms is None or self._started is None else self._started + self.bounds.ms
        if self._restarts.at is not None:
            return self._restarts.at if end is None else min(self._restarts.at, end)
        if self._state != "running" or self._pipeline is None:
            return None
        found = [at for at in (self._ends.due(), self._pipeline.due(), end) if at is not None]
        return min(found) if found else None

    @property
    def active(self) -> bool:
        """Whether it runs, or will again after an error, and nobody asked it to stop."""
        return (self._state == "running" or self._restarts.at is not None) and not self._stopping

    @property
    def here(self) -> bool:
        """Whether it is active and the thread that asks is the one that runs it."""
        return self.active and self._worker.here

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do: no payload waits and no step is under way."""
        if not self.active:
            return True
        lock = self._lock
        if self.backlog or not lock.acquire(blocking=False):  # who asks must stay interruptible
            return False
        try:
            return not self.backlog
        finally:
            lock.release()

    @property
    def paced(self) -> bool:
        """Whether the clock, or a push, says when the source delivers; else it delivers at every turn."""
        return self._restarts.at is not None or getattr(self._ends.source, "paced", True)

    @property
    def threaded(self) -> bool:
        """Whether a thread of its own runs it now."""
        return self._worker.alive

    @property
    def clock(self) -> Clock:
        """What it takes the time from."""
        return self._wiring.clock

    def now(self) -> int:
        """The time of that clock, ms."""
        return self.clock.now()

    def wake(self) -> None:
        """Something arrived: the rule's thread need not wait for its next due time."""
        self._awake.set()

    @property
    def backlog(self) -> int:
        """How many pushed payloads wait to be read."""
        return self._ends.backlog

    def rest(self, seconds: float) -> None:
        """Wait for a wake-up, at most so long."""
        self._awake.wait(seconds)
        self._awake.clear()
