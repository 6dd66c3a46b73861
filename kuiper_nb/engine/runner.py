"""The only loop: a rule's own thread under a real clock."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..functions.guard import Stopped
from .allocation import keep_freed_memory
from .rule import Rule

_LONGEST_REST = 0.5
_lock = threading.Lock()
_running = 0
_before = 0.005


@contextmanager
def quick_switching() -> Iterator[None]:
    """While any rule runs, threads hand over every 50 µs, so that a busy cell does not hold rules up for long."""
    global _running, _before  # noqa: PLW0603
    with _lock:
        if _running == 0:
            _before = sys.getswitchinterval()
            sys.setswitchinterval(50e-6)
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                sys.setswitchinterval(_before)


def run(rule: Rule) -> None:
    """Step *rule* whenever something is due or arrives, until it is not running any more."""
    keep_freed_memory()
    guard = rule.guard
    try:
        with quick_switching(), guard.watch():
            while rule.active and not guard.lost:
                try:
                    worked = rule.step()
                except BaseException as error:  # whatever it is, sys.exit() too, a rule that does not run must not seem
                    guard.calm()
                    if not guard.lost:
                        rule.failed(error)
                    continue
                if not worked and rule.active:
                    rule.rest(_rest(rule))
            if not guard.lost:
                rule.ended()
    except Stopped:  # nobody waits for it
        return
    finally:
        guard.finished.set()


def _rest(rule: Rule) -> float:
    due = rule.due()
    if due is None:
        return _LONGEST_REST
    return max(0.0005, min((due - rule.now()) / 1000, _LONGEST_REST))
