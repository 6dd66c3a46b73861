"""What a row of a view is asked to do, beside the thread that feeds all views: stopping a stuck rule takes its time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from ..engine.lifetime import closed_at_exit

Errand = Callable[[], None]


class Errands:
    """One thread for everything that is asked of one thing, in the order it was asked; it ends with the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Errand]] = {}
        self._threads: dict[str, threading.Thread] = {}

    def run(self, of: str, errand: Errand) -> None:
        """Do *errand* after those that are under way for the same thing; returns at once."""
        with self._lock:
            if of in self._waiting:
                self._waiting[of].append(errand)
                return
            self._waiting[of] = deque([errand])
            thread = threading.Thread(target=self._work, args=(of,), name=f"kuiper {of}", daemon=True)
            self._threads[of] = thread
            closed_at_exit(self)
            thread.start()

    def close(self, seconds: float = 3.0) -> None:
        """Wait for those that are under way."""
        with self._lock:
            threads = list(self._threads.values())
        end = monotonic() + seconds
        for thread in threads:
            thread.join(max(end - monotonic(), 0.0))

    def _work(self, of: str) -> None:
        while True:
            with self._lock:
                if not self._waiting[of]:
                    del self._waiting[of], self._threads[of]
                    return
                errand = self._waiting[of].popleft()
            errand()


ERRANDS = Errands()
"""The errands of this process."""
