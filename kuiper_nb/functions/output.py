"""Print, logging and warnings of user code go to its rule's log, not under the cell that happens to be the last one.

While a rule works, `sys.stdout` and `sys.stderr` ask who writes: a thread that works for a rule writes to its log,
everybody else where they wrote before. Others put streams of their own there at any time (a capture, a redirection),
so a rule looks again at every step.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, Token
from threading import Lock
from typing import Any, Protocol, TextIO, cast

from .places import place_of

_DEBUGGERS = ("pdb", "bdb", "cmd", "code", "IPython.core.debugger")


class Journal(Protocol):
    """Where a rule's lines go."""

    def printed(self, stream: str, text: str, place: Callable[[], str]) -> None:
        """User code wrote *text*, which need not be a line; *place* says where it stands (`file:line`)."""
        ...

    def note(self, text: str) -> None:
        """Something happened to the rule."""
        ...

    def sent(self, text: str) -> None:
        """The log sink wrote a line."""
        ...


_journal: ContextVar[Journal | None] = ContextVar("journal", default=None)


def journal() -> Journal | None:
    """The log of the rule this thread works for, if it works for one."""
    return _journal.get()


def note(text: str) -> None:
    """A line in the log of the rule this thread works for."""
    known = _journal.get()
    if known is not None:
        known.note(text)


class Routed:
    """A stream in front of *inner*, which it is in every respect but who gets what is written.

    IPython puts a function of its own in the place of `write`, around the one it finds: both hold outside rules only.
    """

    def __init__(self, inner: TextIO, name: str) -> None:
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_onward", None)

    @property
    def write(self) -> Callable[[str], Any]:
        """To the log of the rule this thread works for, if it does, else on."""
        known = _journal.get()
        if known is None or sys._getframe(1).f_globals.get("__name__") in _DEBUGGERS:  # somebody talks to it
            return cast(Callable[[str], Any], self._onward or self._inner.write)
        return lambda text: _printed(known, self._name, text)

    def writelines(self, lines: Any) -> None:
        """One after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "write":
            object.__setattr__(self, "_onward", value)
        else:
            setattr(self._inner, name, value)

    def __delattr__(self, name: str) -> None:
        if name == "write":
            object.__setattr__(self, "_onward", None)
        else:
            delattr(self._inner, name)

    def __iter__(self) -> Any:
        return iter(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)


def _printed(known: Journal, stream: str, text: str) -> int:
    if not isinstance(text, str):
        raise TypeError(f"write() argument must be str, not {type(text).__name__}")
    caller = sys._getframe(2)
    known.printed(stream, text, lambda: place_of(caller))
    return len(text)


_lock = Lock()
_routes = 0
_latest: dict[str, Routed] = {}
_retired: deque[Routed] = deque(maxlen=64)
"""Before 3.14 `print` only borrows the stream it writes to: one that is given up while somebody prints, which the next
step of a rule may do at any time, must not be freed. So the latest are kept, and some that were given up."""


def route(to: Journal | None) -> Token[Journal | None]:
    """From now on this thread works for the rule of the log *to*."""
    global _routes  # noqa: PLW0603
    with _lock:
        _routes += 1
        if type(sys.stdout) is not Routed or type(sys.stderr) is not Routed:
            _put_in_front()
    return _journal.set(to)


def unroute(token: Token[Journal | None]) -> None:
    """No longer. When no thread works for a rule, the streams are what they were."""
    global _routes  # noqa: PLW0603
    _journal.reset(token)
    with _lock:
        _routes -= 1
        if not _routes:
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if type(stream) is Routed:
                    _keep(name, stream)
                    _exchange(name, stream, stream._inner)


def _keep(name: str, latest: Routed) -> None:
    """Have *latest* live on, and for a while the one that was the latest until now."""
    before = _latest.get(name)
    if before is not None and before is not latest:
        _retired.append(before)
    _latest[name] = latest


def _exchange(name: str, old: Any, new: Any) -> None:
    """Put *new* where *old* is, unless somebody has just put something else there, say at the end of a capture.

    Python changes threads where something is called or repeated: between these look and change there is nothing.
    """
    streams = sys.__dict__
    if streams[name] is old:
        streams[name] = new


def _put_in_front() -> None:
    for name in ("stdout", "stderr"):
        inner = getattr(sys, name)
        if inner is None or type(inner) is Routed:
            continue
        routed = _latest.get(name)
        if routed is None or routed._inner is not inner:
            routed = Routed(inner, name)
            _keep(name, routed)
        _exchange(name, inner, routed)
        for known in list(getattr(logging, "_handlerList", ())):  # those that hold on to the stream behind it
            handler = known()
            if isinstance(handler, logging.StreamHandler) and handler.stream is inner:
                handler.stream = cast(Any, routed)
