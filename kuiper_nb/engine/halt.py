"""How a rule is brought to a halt: it may finish what it does; user code that does not return is broken off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

from ..contracts import Sink, Source
from ..functions.guard import Guard, Stopped
from ..functions.places import said

Opened = Sequence[Source | Sink | None]
Note = Callable[[str], None]
Closing = Callable[[Opened, Note], None]

PATIENCE = 2.0
"""Seconds after which `stop` returns, whatever user code does."""
HURRY = 0.15
"""The same after Ctrl-C: nobody wants to wait."""
_TICK = 0.05


def halted(guard: Guard, over: Callable[[float], bool], interrupt: Callable[[], None], patience: float) -> bool:
    """Wait until *over* (asked with the seconds to wait): no step is under way. False when that is not so in time.

    A query is interrupted at once, and so is a source, which has nothing to finish; a function or sink of the user's
    after half of the time, or at once in a hurry.
    """
    asked = monotonic()
    interrupt()
    while not over(_TICK):
        passed = monotonic() - asked
        if passed >= patience:
            return over(0)
        if not guard.inside:
            interrupt()
        elif patience <= HURRY or passed >= patience / 2 or guard.what.startswith("source"):
            guard.break_off()
    return True


def stuck(guard: Guard) -> str:
    """What does not return, and where it is."""
    place = guard.place()
    if not place:
        return "a step that does not end; its thread is left behind"
    return f"{guard.what} did not return from {said(place)}; its thread is left behind"


def broken_off(guard: Guard) -> str:
    """What was broken off, and where."""
    return f"{guard.what} was broken off in {said(guard.broken_at)}" if guard.broken_at else ""


def closed(opened: Opened, note: Note) -> None:
    """Close what is there. One that fails to, or is broken off, is noted, and the others are closed all the same."""
    for one in opened:
        try:
            if one is not None:
                one.close()
        except (Exception, Stopped) as error:
            note(f"closing {type(one).__name__} failed: {type(error).__name__}: {error}")


def close_aside(opened: Opened, note: Note, seconds: float = 0.2) -> None:
    """`closed`, on a thread of its own and waited for a little: user code that is stuck may hold what closing needs."""
    thread = threading.Thread(target=closed, args=(opened, note), name="closing", daemon=True)
    thread.start()
    thread.join(seconds)


class Rule(Protocol):
    """What is dropped."""

    def halt(self) -> None:
        """Ask it to stop."""
        ...

    def drop(self, patience: float) -> None:
        """Stop and forget it."""
        ...


def drop_all(rules: Sequence[Rule], patience: float = PATIENCE) -> None:
    """Drop *rules* in about *patience* seconds, however many of them are stuck."""
    end = monotonic() + patience
    for rule in rules:
        rule.halt()
    for rule in rules:
        rule.drop(max(end - monotonic(), 4 * _TICK))
