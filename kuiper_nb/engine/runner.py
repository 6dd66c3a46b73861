"""The only loop: a rule's own thread under a real clock."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

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
    with quick_switching():
        while rule.active:
            began = time.perf_counter()
            try:
                worked = rule.step()
            except BaseException as error:  # whatever it is, sys.exit() too, a rule that does not run must not seem to
                rule.failed(error)
                continue
            if worked:
                rule.pace.step(time.perf_counter() - began)
            elif rule.active:
                rule.rest(_rest(rule))


def _rest(rule: Rule) -> float:
    due = rule.due()
    if due is None:
        return _LONGEST_REST
    return max(0.0005, min((due - rule.now()) / 1000, _LONGEST_REST))
