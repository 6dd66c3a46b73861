"""A running rule: from source to sinks, one micro-batch a step, in eKuiper's states."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..contracts import Clock, Payload
from ..errors import KuiperError
from ..sql.plan import Plan
from .batch import Batch, concatenated
from .bounds import Bounds
from .decode import Decoder
from .ends import Ends
from .exact import Exact
from .output import Output
from .pace import Pace
from .parameters import Parameters
from .pipeline import Pipeline
from .restart import Restarts
from .shown import Shown
from .status import RuleStatus, State, counted
from .why import reason
from .wiring import Scope, Wiring
from .worker import Worker

_TICK = 0.05
_UNDER_WAY = "a step is still under way"


class Rule(Shown):
    """A rule. It is made stopped; `start` runs it.

    *emits*, *errors* and *late* hold the newest of what came out. Under a virtual clock everything happens in the
    thread that calls; else in a thread of the rule's own.
    """

    def __init__(self, id: str, plan: Plan, wiring: Wiring, *, keep: int = 100_000, generation: int = 1) -> None:
        self.id = id
        self.plan = plan
        self.generation = generation
        self.bounds = Bounds()
        self.pace = Pace()
        self._wiring = wiring
        self._out = Output(keep)
        self._ends = Ends(wiring, self._out.undelivered, separate=plan.window is None)
        self._out.deliver = self._ends.deliver
        self._out.report = self._ends.error
        self._state: State = "stopped"
        self._message = ""
        self._pipeline: Pipeline | None = None
        self._tape = wiring.tape()
        self._decoder = Decoder(plan.stream, plan.columns, plan.options.event_time)
        self.parameters = Parameters(plan.parameters)
        self._exact = Exact(plan, wiring.caller, self.parameters)
        self._vector = wiring.vector(plan, wiring.caller, self.parameters)
        self._lock = threading.RLock()
        self._changed = threading.Condition()
        self._awake = threading.Event()
        self._worker = Worker()
        self._stopping = self._dropped = False
        self._restarts = Restarts(plan.options.restart, exact=wiring.clock.virtual)
        self._batches = 0
        self._started: int | None = None
        self._floor = 0  # the clock at the last step: nothing arrives before it, or a closed window would miss it
        self._snapshot = self._taken()

    # ---- what it shows

    @property
    def status(self) -> RuleStatus:
        """A snapshot, taken at the border of the last micro-batch; a step that takes long does not hold it up."""
        unread = 0 if self._state in ("running", "starting") else self._ends.unread
        taken = self._snapshot
        return replace(taken, state=self._state, message=self._message, attempt=self._restarts.attempt, unread=unread)

    def _taken(self) -> RuleStatus:
        return RuleStatus(
            id=self.id,
            mode=self._wiring.mode,
            started=self._started,
            last_error=self._out.last_error,
            generation=self.generation,
            generations=dict(self._wiring.caller.generations),
            batches=self._batches,
            **counted(self._out.counts, self._pipeline),
        )

    def why(self, place: Callable[[str], str] = str) -> str:
        """The one reason why nothing comes out, in a line or two; *place* words a place in the user's code."""
        return reason(self, self._pipeline, self._ends.source, place)

    def set(self, **values: Any) -> None:
        """Give parameters (`$name` in its SQL) values, which count from the next micro-batch on. Raises PlanError."""
        self.parameters.set(values)

    # ---- life

    def start(self, *, by_hand: bool = False) -> None:
        """Run, or *by_hand* wait for calls of `step`. Raises KuiperError when its source or a sink cannot be opened."""
        if self._message == _UNDER_WAY and not self._worker.left(0.5):
            raise KuiperError(f"rule {self.id} cannot start: {_UNDER_WAY}", "start it when that has ended")
        with self._lock:
            if self._state in ("running", "starting"):
                return
            self.parameters.require()
            self._state, self._message, self._stopping = "starting", "", False
            self._restarts.forget()
            self._pipeline = None
            self._write_off()  # what waited in windows when it was stopped
            self._started = self._wiring.clock.now()
            try:
                self._open()
            except KuiperError as error:
                self._out.last_error = error.message
                self._close("stopped by error", error.message)
                raise
        if not self._wiring.clock.virtual and not by_hand:
            self._worker.start(f"rule {self.id}", lambda: self._wiring.run(self))

    def stop(self, patience: float = 2) -> None:
        """Stop; open windows are not sent. Returns when the rule has stopped, or after *patience* seconds of waiting
        for a step that is under way: what that holds is closed when it ends."""
        self._stopping = True
        self._awake.set()
        if self._vector is not None:
            self._vector.interrupt()
        gone = False
        try:
            gone = self._worker.left(patience)
        finally:  # an interrupt, too, leaves a rule that ends when its step does
            if not gone:  # a function of the user's that does not return
                self._state, self._message = "stopped", _UNDER_WAY
        if not gone:
            return
        with self._lock:
            if self._state in ("running", "starting"):
                self._stopped()

    def drop(self, patience: float = 2) -> None:
        """Stop and forget the rule; *patience* as in `stop`."""
        self._dropped = True
        self.stop(patience)
        if self._worker.here or not self._worker.alive:
            self._let_go()
        self._wiring.dropped(self)

    def left(self) -> None:
        """The thread that ran it is done: what a stop that did not wait for it left open is closed now."""
        with self._lock:
            if self._worker.here and self._state not in ("running", "starting"):
                if self._message == _UNDER_WAY:
                    self._stopped()
                self._let_go()

    def _stopped(self) -> None:
        self._restarts.forget()
        self._close("stopped", "")
        if unread := self._ends.unread:
            self._message = f"{unread} pushed batch{'es wait' if unread > 1 else ' waits'} for the next start"

    def _let_go(self) -> None:
        if self._dropped and self._vector is not None:
            self._vector.close()

    def wait(self, timeout: float | None = None, emits: int | None = None) -> bool:
        """Until bounded input is used up and the sinks have it, *emits* emits are there, or the rule stops.

        False when *timeout* (seconds; of the session's clock, if that is virtual) passed first.
        """

        def done() -> bool:
            enough = emits is not None and len(self.emits) + self._out.emits.dropped >= emits
            return enough or self._state not in ("running", "starting")

        bounded = getattr(self._ends.source, "bounded", True)
        if self._wiring.clock.virtual:
            if emits is None and timeout is None and not done() and bounded is False and self.bounds == Bounds():
                hint = f"wait(emits=10) or wait(timeout=60); {self.plan.stream.type} never ends by itself"
                raise KuiperError(f"rule {self.id} would be waited for without end", hint)
            return self._wiring.drive(self, done, timeout)
        with self._changed:
            while not self._changed.wait_for(done, _TICK if timeout is None else min(timeout, _TICK)):
                if timeout is not None:
                    timeout -= _TICK
                    if timeout <= 0:
                        return done()
        return True

    # ---- one micro-batch

    def step(self) -> bool:
        """One micro-batch: what the source has ready now, then the windows that are finished. Whether anything came."""
        with self._lock:
            if self._restarts.at is not None:
                self._again(self._restarts.at)
            if self._state != "running" or self._pipeline is None:
                return False
            now = self._wiring.clock.now()
            self.parameters.renew()
            try:
                payloads, ended = self._ends.taken()
            except KuiperError as error:
                self.failed(error)
                return True
            self._take(list(concatenated(self._decoded(payloads, now))), now)
            self._pipeline.close(now)
            if ended:
                self._finish(now)
            elif reason := self.bounds.reached(self._out.counts, now - (self._started or now)):
                self._close("stopped", reason)
            self._snapshot = self._taken()
            self._notify()
        return bool(payloads) or ended

    def _take(self, batches: list[Batch], now: int) -> None:
        """Take *batches* one after the other; when one breaks the step off, those behind it count as come in, too."""
        assert self._pipeline is not None
        try:
            while batches:
                batch = batches.pop(0)
                self._pipeline.take(batch)
                self._pipeline.close(min(now, int(batch.arrivals[-1])))  # a later batch may belong to the same window
                self._batches += 1
        finally:
            self._out.counts["rows_in"] += sum(len(batch) for batch in batches)

    def _again(self, at: int) -> None:
        """Start again after an error, once the time has come (*at*, ms)."""
        now = self._wiring.clock.now()
        if reason := self.bounds.reached(self._out.counts, now - (self._started or now)):
            self._restarts.at = None
            self._close("stopped", reason)
            self._notify()
        elif now >= at:
            try:
                self._open()
                self._message, self._restarts.at = self._restarts.count, None
            except Exception as error:  # one more failure of the rule
                self.failed(error)

    def _decoded(self, payloads: list[Payload], now: int) -> list[Batch]:
        """The batches of *payloads*, whose arrivals never go back: not even when two threads push at once."""
        if self._tape is not None:
            self._tape.take(payloads, now, self._floor)
        floor, self._floor = self._floor, now
        batches = []
        for payload in payloads:
            floor = max(floor, payload.at or 0)
            batch = self._decoder.decode(payload, now, floor, self._undecodable)
            if batch is not None:
                batches.append(batch)
        return batches

    def due(self) -> int | None:
        """When a step would have something to do (ms); None when only a push brings that about."""
        end = None if self.bounds.ms is None or self._started is None else self._started + self.bounds.ms
        if self._restarts.at is not None:
            return self._restarts.at if end is None else min(self._restarts.at, end)
        if self._state != "running" or self._pipeline is None:
            return None
        found = [at for at in (self._ends.due(), self._pipeline.due(), end) if at is not None]
        return min(found) if found else None

    @property
    def active(self) -> bool:
        """Whether it runs, or will again after an error, and nobody asked it to stop."""
        return (self._state == "running" or self._restarts.at is not None) and not self._stopping

    @property
    def here(self) -> bool:
        """Whether it is active and the thread that asks is the one that runs it."""
        return self.active and self._worker.here

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do: no payload waits and no step is under way."""
        if not self.active:
            return True
        if self.backlog or not self._lock.acquire(blocking=False):  # who asks must stay interruptible
            return False
        try:
            return not self.backlog
        finally:
            self._lock.release()

    @property
    def paced(self) -> bool:
        """Whether the clock, or a push, says when the source delivers; else it delivers at every turn."""
        return self._restarts.at is not None or getattr(self._ends.source, "paced", True)

    @property
    def threaded(self) -> bool:
        """Whether a thread of its own runs it now."""
        return self._worker.alive

    @property
    def clock(self) -> Clock:
        """What it takes the time from."""
        return self._wiring.clock

    def now(self) -> int:
        """The time of that clock, ms."""
        return self.clock.now()

    def wake(self) -> None:
        """Something arrived: the rule's thread need not wait for its next due time."""
        self._awake.set()

    @property
    def backlog(self) -> int:
        """How many pushed payloads wait to be read."""
        return self._ends.backlog

    def rest(self, seconds: float) -> None:
        """Wait for a wake-up, at most so long."""
        self._awake.wait(seconds)
        self._awake.clear()

    def failed(self, error: BaseException) -> None:
        """An error stopped the rule: start again, if and when its restart strategy says so; else it stays stopped."""
        message = error.message if isinstance(error, KuiperError) else f"{type(error).__name__}: {error}"
        with self._lock:
            now = self._wiring.clock.now()
            self._write_off()
            self._out.fault(message, None, now, where=getattr(error, "where", ""), window=True)
            self._out.last_error, self._restarts.at = message, None
            delay = None if self._stopping else self._restarts.schedule(now)
            if delay is None:
                self._close("stopped by error", message)
            else:
                self._pipeline = None  # what waits in it is not taken over
                self._write_off()
                self._close("starting", f"{self._restarts.count} in {delay / 1000:g} s, after {message}", listen=True)
            self._notify()

    # ---- inside

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _write_off(self) -> None:
        self._out.write_off(self._pipeline.waiting if self._pipeline is not None else 0)

    def _open(self) -> None:
        now = self._wiring.clock.now()
        scope = Scope(self._wiring.clock, self.id, now)
        self._pipeline = Pipeline(self.plan, self._exact, self._vector, self._out, scope)
        self._ends.open()
        if self._tape is not None:
            self._tape.start(now)
        self._state = "running"
        self._floor = now
        self.parameters.renew()
        self._pipeline.start(now)
        self._pipeline.close(now)
        self._snapshot = self._taken()

    def _finish(self, now: int) -> None:
        assert self._pipeline is not None
        if self.plan.options.flush_at_end and getattr(self._ends.source, "complete", True):
            self._pipeline.finish()
        self._ends.finish(now)
        self._close("stopped", "done")

    def _close(self, state: State, message: str, *, listen: bool = False) -> None:
        if self._tape is not None:
            self._tape.close(ended=message == "done")  # first: who waits for the rule to stop, waits for the file
        self._state, self._message = state, message
        self._snapshot = self._taken()
        if self._pipeline is not None:
            self._pipeline.release()
        self._ends.shut(listen=listen)

    def _undecodable(self, message: str, row: Any, at: int) -> None:
        self._out.counts["rows_in"] += 1
        self._out.fault(message, row, at)

    def __repr__(self) -> str:
        return f"<Rule {self.id}: {self._state}>"
