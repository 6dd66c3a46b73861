"""The only loop: a rule's own thread under a real clock."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from ..functions.guard import Stopped
from ..process import ProcessSetting
from .allocation import keep_freed_memory
from .rule import Rule

_LONGEST_REST = 0.5
_SHORTEST_REST = 0.0005
_switching = ProcessSetting(sys.getswitchinterval, sys.setswitchinterval, lambda before: 50e-6)
"""While any rule runs, threads hand over every 50 µs, so that a busy cell does not hold rules up for long."""


def run(rule: Rule) -> None:
    """Step *rule* whenever something is due or arrives, until it is not running any more."""
    keep_freed_memory()
    guard = rule.guard
    with suppress(Stopped), _switching.needed(), guard.watch():  # Stopped: nobody waits for it any more
        with suppress(Exception):  # the first query says it, if it matters
            rule.ready()
        while rule.here:
            began = time.perf_counter()
            try:
                worked = rule.step()
            except BaseException as error:  # whatever it is, sys.exit() too, a rule that does not run must not seem to
                guard.calm()
                if not guard.lost:
                    rule.failed(error)
                continue
            if worked:
                rule.pace.step(time.perf_counter() - began)
            elif rule.here:
                rule.rest(rest_of(rule))
        rule.left()


def rest_of(rule: Rule) -> float:
    """For how many seconds there is nothing to do for *rule* unless it is woken."""
    due = rule.due()
    if due is None:
        return _LONGEST_REST
    ahead = due - rule.now()
    if ahead <= 0:  # it said so before, and then there was nothing
        return _SHORTEST_REST
    begun = time.time_ns() % 1_000_000  # of the millisecond that is "now": as much less is left to wait
    return min(ahead / 1000 - begun / 1e9, _LONGEST_REST)
