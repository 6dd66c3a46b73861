"""The one thread behind all views: it does what they ask for and tells them what is new, a few times a second."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, Protocol

from ..engine.lifetime import closed_at_exit
from .feed import PERIOD

Clock = Callable[[], float]
_LOG = logging.getLogger("kuiper_nb.notebook")
_SLOWLY = 1.0
_GLANCE = 0.04
"""Seconds between two looks whether what is watched has stirred, while somebody looks at it."""
_TOLD: set[str] = set()
_MOST_TOLD = 100


class Watched(Protocol):
    """What the pump looks after. It is called in the pump's thread only."""

    def take(self, message: dict[str, Any], context: Context, now: float) -> None:
        """A message from the browser."""
        ...

    def turn(self, now: float) -> bool:
        """Tell what is new; whether to come back a few times a second (else once a second is enough)."""
        ...

    def stirred(self, now: float) -> bool:
        """Whether something has happened after a while of quiet, so that it would be told at once. Costs next to
        nothing."""
        ...

    @property
    def over(self) -> bool:
        """Whether nothing more is to be told until a message comes."""
        ...

    def end(self) -> None:
        """The session ends, and with it what is watched."""
        ...


class Pump:
    """Starts its thread when there is something to watch, and ends it when there is nothing any more."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._inbox: queue.SimpleQueue[tuple[Watched, dict[str, Any], Context] | None] = queue.SimpleQueue()
        self._watched: list[Watched] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False

    def watch(self, view: Watched) -> None:
        """Look after *view*, from any thread."""
        with self._lock:
            if view not in self._watched:
                self._watched.append(view)
            self._begin()

    def post(self, view: Watched, message: dict[str, Any]) -> None:
        """A message from the browser, from whatever thread it came in: it is only put into the queue."""
        self._inbox.put((view, message, copy_context()))
        self.watch(view)

    def close(self) -> None:
        """End all views and the thread; it may begin again."""
        with self._lock:
            thread, self._closing = self._thread, True
        if thread is not None and thread is not threading.current_thread():
            self._inbox.put(None)
            thread.join(5)
        with self._lock:
            ending, self._watched, self._closing, self._thread = self._watched, [], False, None
        for view in ending:
            _guarded(view.end)

    @property
    def threaded(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def _begin(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="kuiper views", daemon=True)
            self._thread.start()
            closed_at_exit(self)

    def _run(self) -> None:
        quick, next_turn = True, self._clock()
        while not self._closing:
            left = max(next_turn - self._clock(), 0.0)
            heard = self._receive(min(left, _GLANCE) if quick else left)
            now = self._clock()
            if now < next_turn and not (heard and not quick) and not (quick and self._stirred(now)):
                continue
            quick = self.turn(now)
            next_turn = now + (PERIOD if quick else _SLOWLY)
            with self._lock:
                if not self._watched and self._inbox.empty():
                    self._thread = None
                    return

    def _receive(self, seconds: float) -> bool:
        """Wait so long for the first message, then take all that are there; whether there was one."""
        heard = False
        try:
            item = self._inbox.get(timeout=seconds) if seconds else self._inbox.get_nowait()
            while True:
                if item is not None:
                    heard = True
                    view, message, context = item
                    _guarded(view.take, message, context, self._clock())
                item = self._inbox.get_nowait()
        except queue.Empty:
            return heard

    def _stirred(self, now: float) -> bool:
        with self._lock:
            views = list(self._watched)
        return any(_guarded(view.stirred, now) for view in views)

    def turn(self, now: float) -> bool:
        """One round over all views; whether one of them is being looked at."""
        with self._lock:
            views = list(self._watched)
        quick = [bool(_guarded(view.turn, now)) for view in views]
        with self._lock:
            self._watched = [view for view in self._watched if view not in views or not view.over]
        return any(quick)


def _guarded(act: Callable[..., Any], *arguments: Any) -> Any:
    """One view that fails does not take the others with it, and says so once, not four times a second."""
    try:
        return act(*arguments)
    except Exception as error:
        if len(_TOLD) < _MOST_TOLD and repr(error) not in _TOLD:
            _TOLD.add(repr(error))
            _LOG.exception("a view failed")
        return None


PUMP = Pump()
"""The pump of this process."""
