"""Time under a virtual clock: it moves only here, from one due moment to the next, in the caller's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from ..errors import ClockError
from ..functions.guard import Stopped
from ..windowing.clock import VirtualClock, moment
from .interrupt import deferred
from .rule import Rule


class Timeline:
    """Steps *rules* in the order of time. The same calls give the same answer, always."""

    def __init__(self, clock: VirtualClock, rules: Callable[[], Iterable[Rule]]) -> None:
        self._clock = clock
        self._rules = rules

    def advance(self, to: int) -> None:
        """Move to *to* (ms); everything due until then happens at its own moment. ClockError when *to* is past."""
        to = moment(to)
        if to < self._clock.now():
            self._clock.move(to)
        while True:
            self.settle()
            due = self._next_timer()
            if due is None or due > to:
                break
            self._at(due)
        self._clock.move(to)
        self._turns()
        self.settle()

    def settle(self) -> None:
        """Until nothing that was pushed waits any more."""
        while self._stepped(rule for rule in self._rules() if rule.backlog):
            pass

    def drive(self, rule: Rule, done: Callable[[], bool], timeout: float | None) -> bool:
        """Let sources deliver and time pass until *done*; False when *timeout* seconds of virtual time passed first.

        A source without end or pace never lets virtual time pass: for it they are real seconds.
        """
        limit = None if timeout is None else self._clock.now() + round(timeout * 1000)
        patience = None if timeout is None or rule.input != "unbounded" else monotonic() + timeout
        while not done():
            self.settle()
            if done():
                break
            if self._turns():
                if patience is not None and monotonic() > patience:
                    return done()
                continue
            due = self._next_timer()
            if due is None or (limit is not None and due > limit):
                if limit is not None:
                    self._clock.move(max(limit, self._clock.now()))
                return done()
            self._at(due)
        return True

    def _at(self, due: int) -> None:
        self._clock.move(max(due, self._clock.now()))
        for rule in list(self._rules()):
            timer = rule.due()
            if timer is not None and timer <= self._clock.now() and rule.paced:
                step(rule)

    def _turns(self) -> bool:
        """One turn for every source that does not wait for the clock; whether there was one."""
        return self._stepped(rule for rule in list(self._rules()) if rule.active and not rule.paced)

    def _next_timer(self) -> int | None:
        timers = [due for rule in self._rules() if rule.active and rule.paced and (due := rule.due()) is not None]
        return min(timers) if timers else None

    def _stepped(self, rules: Iterable[Rule]) -> bool:
        """One step of each of *rules*; whether anything came of it."""
        worked = False
        for rule in rules:
            worked = step(rule) or worked
        return worked


def step(rule: Rule) -> bool:
    """One step in the caller's thread, in which Ctrl-C waits for its end; whether anything came of it.

    As in a thread of its own, the rule stops with its error and the caller goes on.
    """
    guard = rule.guard
    with deferred():
        try:
            return rule.step()
        except ClockError:
            raise
        except (Exception, Stopped) as error:
            guard.calm()
            if not guard.lost:
                rule.failed(error)
            return True
