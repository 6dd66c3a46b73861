"""Around a rule's calls of the user's code: whose output it is, and how a call that does not return is broken off.

A rule is on its *watch* while it works: what its thread prints then is the rule's. Inside the watch, each call of the
user's code stands between `enter` and `leave`. Only there an exception may be raised from outside: never while the
rule does work of its own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextvars import ContextVar
from threading import Lock, get_ident
from typing import ParamSpec, TypeVar

from .output import Journal, route, unroute
from .places import place_in

P = ParamSpec("P")
T = TypeVar("T")


class Stopped(KeyboardInterrupt):
    """Raised in the user's code, from outside, because its rule is to stop. `except Exception` lets it pass."""


class Guard:
    """One run of a rule. *lost*: nobody waits for it any more, and it calls no user code."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.journal = journal
        self.lost = False
        self.asked = False
        self.wake: Callable[[], None] | None = None
        """Ends a wait of the user's code that is not in Python (in an event loop), where no exception gets to."""
        self.what = ""
        """The kind and name of the user code that runs or ran last: `function fahrenheit`."""
        self.broken_at = ""
        """Where it was broken off, as `file:line`."""
        self._thread = 0
        self._lock = Lock()

    # ---- the thread that works for the rule

    def watch(self) -> Watch:
        """Inside, this thread works for the rule."""
        return Watch(self)

    def enter(self, what: str) -> None:
        """The user's code begins: *what* is its kind and name. Stands in the `try` whose `finally` calls `leave`.

        Raises Stopped where nobody waits for what it would answer.
        """
        self.what = what
        if self.lost:
            raise Stopped
        self._thread = get_ident()

    def leave(self) -> None:
        """The user's code is over. Raises Stopped where nobody waits for what it answered."""
        self._thread = 0
        if self.asked:
            self._drain()
        if self.lost:
            raise Stopped

    def calm(self) -> None:
        """From here on nothing is raised in this thread, whatever was on its way."""
        while True:
            try:
                self._thread = 0
                self._drain()
                return
            except Stopped:
                continue

    def _drain(self) -> None:
        while True:
            try:
                with self._lock:  # whoever is about to raise has done so now
                    _raise_in(get_ident(), None)
                return
            except Stopped:
                continue

    # ---- any thread

    @property
    def inside(self) -> bool:
        """Whether user code is running."""
        return self._thread != 0

    @property
    def here(self) -> bool:
        """Whether user code is running, in this very thread."""
        return self._thread == get_ident()

    def place(self) -> str:
        """Where the user's code is now, as `file:line`; '' when none is running."""
        thread = self._thread
        return place_in(thread) if thread else ""

    def break_off(self) -> bool:
        """Raise Stopped in the user's code, if it is running; answers whether it is."""
        with self._lock:
            self.asked = True
            thread, wake = self._thread, self.wake
            if thread in (0, get_ident()):
                return False
            self.broken_at = place_in(thread)
            if wake is None:
                _raise_in(thread, Stopped)
        if wake is not None:
            wake()
        return True


class Watch:
    """See `Guard.watch`. A watch that lies around it (of a function that pushes into another rule) rests meanwhile."""

    __slots__ = ("_guard", "_resting", "_tokens")

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __enter__(self) -> Guard:
        outer = _current.get()
        self._resting = outer if outer is not self._guard and outer.here else None
        if self._resting is not None:
            self._resting.leave()
        self._tokens = _current.set(self._guard), route(self._guard.journal)
        return self._guard

    def __exit__(self, *_: object) -> None:
        guarded, routed = self._tokens
        unroute(routed)
        _current.reset(guarded)
        if self._resting is not None:
            self._resting.enter(self._resting.what)


_current: ContextVar[Guard] = ContextVar("guard", default=Guard())  # noqa: B039


def current() -> Guard:
    """The guard of the rule this thread works for; one that nobody asks anything, where there is none."""
    return _current.get()


def guarded(what: str, f: Callable[P, T]) -> Callable[P, T]:
    """*f*, which calls the user's code *what* (`source clock`), so that a call can be broken off."""

    def call(*arguments: P.args, **options: P.kwargs) -> T:
        guard = _current.get()
        try:
            guard.enter(what)
            return f(*arguments, **options)
        finally:
            guard.leave()

    return call


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raise *kind* in another thread as soon as it runs Python code; None takes back what has not been raised yet."""
    raised = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
