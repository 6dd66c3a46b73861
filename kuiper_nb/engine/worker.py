"""The thread that runs a rule under a real clock, waited for so that Ctrl-C gets through."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Worker:
    """One thread at a time; a new one may start while the one before it is still on its way out."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._gone = threading.Event()
        self._lock = threading.Lock()

    def start(self, name: str, run: Callable[[], None]) -> None:
        """Run *run* in a thread of its own."""
        gone = threading.Event()

        def running() -> None:
            try:
                run()
            finally:
                gone.set()

        with self._lock:
            self._thread, self._gone = threading.Thread(target=running, name=name, daemon=True), gone
            self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether there is a thread that runs."""
        return self._thread is not None and not self._gone.is_set()

    @property
    def here(self) -> bool:
        """Whether the thread that asks is the one."""
        return self._thread is threading.current_thread()

    def left(self, patience: float) -> bool:
        """Whether no other thread runs any more, waited for at most *patience* seconds.

        An interrupt while joining makes Python take a running thread for a finished one, so an event is waited for.
        """
        with self._lock:
            thread, gone = self._thread, self._gone
        if thread is None or thread is threading.current_thread():
            return True
        if not gone.wait(patience):
            return False
        thread.join(1)
        return True
