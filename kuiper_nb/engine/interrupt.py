"""Ctrl-C waits for the border of a micro-batch, so that nothing is half done; long user code is broken off."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from types import FrameType
from typing import Any

from ..functions.guard import Stopped, current
from ..functions.places import place_of

GRACE = 0.25
"""Seconds that user code may still take after Ctrl-C."""
_AGAIN = 0.1
_sending = threading.Lock()


class _Interruption:
    """SIGINT in the main thread, noted; while user code goes on, sent again until that is broken off."""

    def __init__(self) -> None:
        self.noted: list[tuple[int, FrameType | None]] = []
        self._since = 0.0
        self._sent = 0
        self._seen = 0
        self._over: threading.Event | None = None
        self._reminder: threading.Thread

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signal's handler. Raises Stopped in user code whose time is up."""
        self._seen += 1
        self.noted.append((number, frame))
        if self._over is None:
            self._seen, self._since, self._over = 0, monotonic(), threading.Event()
            self._reminder = threading.Thread(target=self._remind, args=(self._over,), name="interrupt", daemon=True)
            self._reminder.start()
        guard = current()
        if guard.here and monotonic() - self._since >= GRACE:
            guard.broken_at = place_of(frame)
            raise Stopped

    def end(self) -> None:
        """No signal of ours comes any more."""
        if self._over is None:
            return
        with _sending:
            self._over.set()
        patience = monotonic() + GRACE
        while self._seen < self._sent and monotonic() < patience:  # sent, but not handled yet
            sleep(0)
        self._reminder.join(GRACE)

    def _remind(self, over: threading.Event) -> None:
        """Wakes the main thread even where it waits in C."""
        pause = GRACE
        while not over.wait(pause):
            with _sending:
                if not over.is_set():
                    self._sent += 1
                    _interrupt_main()
            pause = _AGAIN


def _interrupt_main() -> None:
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()


@contextmanager
def deferred() -> Iterator[None]:
    """Inside, SIGINT is only noted; it takes effect when the block ends. Outside the main thread it does nothing.

    User code that is still running after GRACE seconds is broken off by a Stopped.
    """
    before: Any = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    interruption = _Interruption()
    signal.signal(signal.SIGINT, interruption.handle)
    try:
        yield
    finally:
        interruption.end()
        signal.signal(signal.SIGINT, before)
        if interruption.noted:
            before(*interruption.noted[0])
