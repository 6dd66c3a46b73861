"""Who waits for an answer of which process: a process is closed, and its sinks are stopped, when nobody does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal, get_args

from .peer import Peer

What = Literal["calling", "streaming"]
"""A call, or something that begins or goes to one that has begun: a source, a sink, an item for it."""


class Usage:
    """Counts by process. *current* is the one that is asked now."""

    def __init__(self, current: Callable[[], Peer | None]) -> None:
        self._current = current
        self._counts: Counter[tuple[int, What]] = Counter()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def of(self, peer: Peer, what: What) -> Iterator[bool]:
        """Use *peer* meanwhile; False if it is not the current one any more, and nobody would wait for this use."""
        key = id(peer), what
        with self._changed:
            still = peer is self._current()
            self._counts[key] += still
        try:
            yield still
        finally:
            with self._changed:
                if still and key in self._counts:  # it may have been forgotten
                    self._counts[key] -= 1
                self._changed.notify_all()

    def wait(self, peer: Peer, what: What, seconds: float) -> None:
        """Until nobody uses *peer* like that, but not longer than *seconds*; it must not be current any more."""
        with self._changed:
            self._changed.wait_for(lambda: not self._counts[id(peer), what], seconds)

    def end(self, peer: Peer, seconds: float) -> None:
        """Wait for all that use *peer*, but not longer; then it is forgotten, as another may get its number."""
        deadline = time.monotonic() + seconds
        for what in get_args(What):
            self.wait(peer, what, max(deadline - time.monotonic(), 0))
        with self._changed:
            for what in get_args(What):
                self._counts.pop((id(peer), what), None)
