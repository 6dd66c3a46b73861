"""A running rule: from source to sinks, one micro-batch a step, in eKuiper's states."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

from ..contracts import Payload
from ..errors import KuiperError
from ..functions.guard import Guard, Stopped
from ..sql.plan import Plan
from .batch import Batch, concatenated
from .bounds import Bounds
from .decode import Decoder
from .ends import Ends
from .exact import Exact
from .halt import HURRY, PATIENCE, broken_off, halted, stuck
from .interrupt import deferred
from .log import RuleLog
from .output import Output
from .pace import Pace
from .parameters import Parameters
from .pipeline import Pipeline
from .ready import ready_for_queries
from .restart import Restarts
from .schedule import Scheduled
from .shown import Shown
from .status import RuleStatus, State, counted
from .why import reason
from .wiring import Scope, Wiring
from .worker import Worker

_TICK = 0.05


class Rule(Shown, Scheduled):
    """A rule. It is made stopped; `start` runs it.

    *emits*, *errors* and *late* hold the newest of what came out, *log* the lines. Under a virtual clock everything
    happens in the thread that calls; else in a thread of the rule's own.
    """

    def __init__(self, id: str, plan: Plan, wiring: Wiring, *, keep: int = 100_000, generation: int = 1) -> None:
        self.id = id
        self.plan = plan
        self.generation = generation
        self.bounds = Bounds()
        self.pace = Pace()
        self._wiring = wiring
        self.log = RuleLog(self.now)
        self.guard = Guard(self.log)
        self._out = Output(keep)
        self._state: State = "stopped"
        self._message = ""
        self._pipeline: Pipeline | None = None
        self._tape = wiring.tape()
        self._decoder = Decoder(plan.stream, plan.columns, plan.options.event_time)
        self._ends = Ends(wiring, self._out, self.log.note, self._decoder.prepared, separate=plan.window is None)
        self.parameters = Parameters(plan.parameters)
        self._exact = Exact(plan, wiring.caller, self.parameters)
        self._vector = wiring.vector(plan, wiring.caller, self.parameters)
        self._lock = threading.RLock()
        self._turn = threading.RLock()
        self._dropped = False
        self._changed = threading.Condition()
        self._awake = threading.Event()
        self._worker = Worker()
        self._stopping = False
        self._restarts = Restarts(plan.options.restart, exact=wiring.clock.virtual)
        self._batches = 0
        self._coming: list[Batch] = []  # of the step under way: those it has not taken yet
        self._started: int | None = None
        self._snapshot = self._taken()

    # ---- what it shows

    @property
    def status(self) -> RuleStatus:
        """A snapshot, taken at the border of the last micro-batch; a step that takes long does not hold it up."""
        unread = 0 if self._state in ("running", "starting") else self._ends.unread
        taken = replace(self._snapshot, state=self._state, message=self._message)
        return replace(taken, attempt=self._restarts.attempt, unread=unread, log_lines=self.log.total)

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
        if not self._wiring.clock.virtual and self._vector is not None:
            ready_for_queries()
        with self._alone(2 * PATIENCE), self._lock:
            if self._dropped:
                raise KuiperError(f"rule {self.id} was dropped", "define it again")
            if self._state in ("running", "starting"):
                return
            self.parameters.require()
            self._state, self._message, self._stopping = "starting", "", False
            self.guard = Guard(self.log)
            self._restarts.forget()
            self._pipeline = None
            self._write_off()  # what waited in windows when it was stopped
            self._started = self._wiring.clock.now()
            try:
                with self.guard.watch():
                    self._open("started")
            except KuiperError as error:
                self._out.last_error = error.message
                self._close("stopped by error", error.message)
                raise
            except BaseException:  # Ctrl-C, while a source or sink of the user's opens
                self._close("stopped", "interrupted")
                raise
            if not self._wiring.clock.virtual and not by_hand:
                self._worker.start(f"rule {self.id}", lambda: self._wiring.run(self))

    def stop(self, patience: float = PATIENCE) -> None:
        """Stop; open windows are not sent. Returns after *patience* seconds, whatever the user's code does.

        User code that does not return is broken off where it is; what cannot be broken off (a wait in C) is left
        behind with its thread: nothing comes of it any more. Ctrl-C makes short work of the waiting.
        """
        asked = monotonic()
        with self._alone(patience / 4):
            self.halt()
            try:
                self._halted(max(patience - (monotonic() - asked), HURRY))
            except KeyboardInterrupt:
                with deferred():
                    self._halted(HURRY)
                raise

    def halt(self) -> None:
        """Ask it to stop, and do not wait for that."""
        self._stopping = True
        self._awake.set()

    def ready(self) -> None:
        """In the thread that will run it: have a database, so that no row waits for one."""
        if self._vector is not None:
            self._vector.open()

    def left(self) -> None:
        """The thread that ran it is done: what it was asked to stop is closed in it, not in the one that waits."""
        with self._lock:
            if self._stopping and self._worker.here:
                self._stopped()

    def _stopped(self) -> None:
        with self._lock, self.guard.watch():
            if self._state in ("running", "starting"):
                self._restarts.forget()
                self._close("stopped", "")

    def drop(self, patience: float = PATIENCE) -> None:
        """Stop and forget the rule, which cannot be started again; *patience* as in `stop`."""
        self._dropped = True
        try:
            self.stop(patience)
        finally:
            if self._vector is not None:
                self._vector.close()
            self._wiring.dropped(self)

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
        rest = PATIENCE if timeout is None else min(timeout, PATIENCE)
        if self._state not in ("running", "starting") and self._lock.acquire(timeout=rest):
            self._lock.release()  # who closes it holds this until its sinks are closed, and its log says so
        return True

    # ---- one micro-batch

    def step(self) -> bool:
        """One micro-batch: what the source has ready now, then the windows that are finished. Whether anything came."""
        with self._lock, self.guard.watch() as guard:
            if self._restarts.at is not None:
                self._again(self._restarts.at)
            if self._state != "running" or self._pipeline is None:
                return False
            now, pipeline = self._wiring.clock.now(), self._pipeline
            self.parameters.renew()
            try:
                payloads, ended = self._ends.taken()
            except KuiperError as error:
                self.failed(error)
                return True
            if not guard.lost:
                self._take(list(concatenated(self._decoded(payloads, now))), now)
                pipeline.close(now)
            if guard.lost:
                return True
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
        pipeline, out, self._coming = self._pipeline, self._out, batches
        try:
            while batches:
                batch = batches.pop(0)
                pipeline.take(batch)
                pipeline.close(min(now, int(batch.arrivals[-1])))  # a later batch may belong to the same window
                self._batches += 1
        finally:
            out.counts["rows_in"] += sum(len(batch) for batch in batches)
            batches.clear()

    def _again(self, at: int) -> None:
        """Start again after an error, once the time has come (*at*, ms)."""
        now = self._wiring.clock.now()
        if reason := self.bounds.reached(self._out.counts, now - (self._started or now)):
            self._restarts.at = None
            self._close("stopped", reason)
            self._notify()
        elif now >= at:
            try:
                self._open(self._restarts.count)
                self._message, self._restarts.at = self._restarts.count, None
            except Exception as error:  # one more failure of the rule
                self.failed(error)

    def _decoded(self, payloads: list[Payload], now: int) -> list[Batch]:
        """The batches of *payloads*, whose arrivals never go back: not even when two threads push at once."""
        if self._tape is not None:
            self._tape.take(payloads, now, self._decoder.floor)
        return self._decoder.batches(payloads, now, self._out.undecodable)

    def failed(self, error: BaseException) -> None:
        """An error stopped the rule: start again, if and when its restart strategy says so; else it stays stopped."""
        message = error.message if isinstance(error, KuiperError) else f"{type(error).__name__}: {error}"
        with self._lock, self.guard.watch() as guard:
            now, off = self._wiring.clock.now(), isinstance(error, Stopped)
            message = broken_off(guard) if off else message
            stopping = off or (self._stopping and self._state == "running")
            lost = self._write_off()
            if lost or not stopping:
                where = guard.broken_at if off else getattr(error, "where", "")
                self._out.fault(message, None, now, where=where, window=True)
                self._out.last_error = message
            self._restarts.at = None
            delay = None if stopping or self._stopping else self._restarts.schedule(now)
            if stopping:
                self._restarts.forget()
                self._close("stopped", message if lost else "")
            elif delay is None:
                self._close("stopped by error", message)
            else:
                self._pipeline = None  # what waits in it is not taken over
                self._write_off()
                self._close("starting", f"{self._restarts.count} in {delay / 1000:g} s, after {message}", listen=True)
            self._notify()

    # ---- inside

    @contextmanager
    def _alone(self, patience: float) -> Iterator[None]:
        """Who starts or stops it is the only one; but one who waits longer, for user code that is stuck, goes ahead."""
        turn = self._turn
        mine = not self._worker.here and turn.acquire(timeout=patience)
        try:
            yield
        finally:
            if mine:
                turn.release()

    def _over(self, seconds: float) -> bool:
        """Whether no step is under way, now or after so many seconds."""
        lock = self._lock
        if not self._worker.left(seconds) or not lock.acquire(timeout=seconds):
            return False
        lock.release()
        return True

    def _halted(self, patience: float) -> None:
        interrupt = self._vector.interrupt if self._vector is not None else lambda: None
        if not halted(self.guard, self._over, interrupt, patience):
            self._leave_behind()
        self._stopped()

    def _leave_behind(self) -> None:
        """Nobody waits for the step under way any more; what it still does reaches nothing of this rule."""
        message, caller = stuck(self.guard), self._wiring.caller
        self.guard.lost, self.guard = True, Guard(self.log)
        self._lock, self._turn, self._worker = threading.RLock(), threading.RLock(), Worker()
        self._out = self._out.handed_over()
        self._out.counts["rows_in"] += sum(len(batch) for batch in self._coming)
        self._coming.clear()
        self._ends = self._ends.handed_over(self._out)
        self._exact = Exact(self.plan, caller, self.parameters)
        self._vector = self._wiring.vector(self.plan, caller, self.parameters)
        self._restarts.forget()
        if self._write_off():
            self._out.fault(message, None, self.now(), window=True)
        self._close("stopped", message)

    def _write_off(self) -> int:
        return self._out.write_off(self._pipeline.waiting if self._pipeline is not None else 0)

    def _open(self, how: str) -> None:
        now = self._wiring.clock.now()
        scope = Scope(self._wiring.clock, self.id, now)
        self._pipeline = Pipeline(self.plan, self._exact, self._vector, self._out, scope)
        self._ends.open()
        if self._tape is not None:
            self._tape.start(now)
        self._state = "running"
        self._decoder.floor = now
        self.parameters.renew()
        self._pipeline.start(now)
        self._pipeline.close(now)
        self._snapshot = self._taken()
        self.log.note(how)

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
        if state == "stopped" and not message and (unread := self._ends.unread):
            self._message = f"{unread} pushed batch{'es wait' if unread > 1 else ' waits'} for the next start"
        self.log.note(f"{state}: {self._message}" if self._message else state)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def __repr__(self) -> str:
        return f"<Rule {self.id}: {self._state}>"
