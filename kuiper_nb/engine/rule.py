"""A running rule: from source to sinks, one micro-batch a step, in eKuiper's states."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from ..contracts import Clock, EndOfStream, Payload, Source
from ..errors import KuiperError
from ..functions.guard import Guard, Stopped
from ..sql.plan import Plan
from .batch import concatenated
from .bounds import Bounds
from .decode import Decoder
from .emits import Emit, RowError
from .exact import Exact
from .explain import explained
from .halt import WITHIN, Closing, broken_off, close_aside, closed, halted, stuck
from .log import RuleLog
from .outlet import Outlet
from .output import Message, Output
from .pipeline import Pipeline
from .results import Results
from .status import RuleStatus, State
from .wiring import Scope, Wiring

Input = Literal["pushed", "bounded", "unbounded"]
_MOST_PAYLOADS = 8192


class Rule(Results):
    """A rule. It is made stopped; `start` runs it.

    *emits*, *errors* and *late* hold the newest of what came out, *log* the lines. Under a virtual clock everything
    happens in the thread that calls; else in a thread of the rule's own.
    """

    def __init__(self, id: str, plan: Plan, wiring: Wiring, *, keep: int = 100_000, generation: int = 1) -> None:
        self.id = id
        self.plan = plan
        self.generation = generation
        self.bounds = Bounds()
        self._wiring = wiring
        self.log = RuleLog(self.now)
        self.guard = Guard(self.log)
        self._out = Output(keep)
        self._out.deliver = self._deliver
        self._out.report = self._report_error
        self._state: State = "stopped"
        self._message = ""
        self._source: Source | None = None
        self._outlets: list[Outlet] = []
        self._pipeline: Pipeline | None = None
        self._decoder = Decoder(plan.stream, plan.columns, plan.options.event_time)
        self._exact, self._vector = Exact(plan, wiring.caller), wiring.vector(plan, wiring.caller)
        self._lock = threading.RLock()
        self._changed = threading.Condition()
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._ended = False
        self._attempts = 0
        self._batches = 0
        self._started: int | None = None
        self._snapshot = self._taken()

    @property
    def status(self) -> RuleStatus:
        """A snapshot, taken at the border of the last micro-batch; a step that takes long does not hold it up."""
        return replace(self._snapshot, state=self._state, message=self._message, log_lines=self.log.total)

    def _taken(self) -> RuleStatus:
        counts, pipeline = self._out.counts, self._pipeline
        watermark = pipeline.watermark.at if pipeline is not None and pipeline.watermark is not None else None
        counted: dict[str, Any] = {name: counts[name] for name in _COUNTS}
        return RuleStatus(
            id=self.id,
            mode=self._wiring.mode,
            waiting=pipeline.waiting if pipeline is not None else 0,
            watermark=watermark if watermark is not None and watermark > -(2**62) else None,
            started=self._started,
            last_error=self._out.last_error,
            generation=self.generation,
            generations=dict(self._wiring.caller.generations),
            arms=dict(pipeline.arms) if pipeline is not None else {},
            batches=self._batches,
            **counted,
        )

    def explain(self) -> str:
        """The plan's steps, the arm each takes and why, and the SQL that DuckDB runs."""
        return explained(self.plan, self._vector, self.sinks, self._wiring.caller.functions)

    # ---- life

    def start(self, *, by_hand: bool = False) -> None:
        """Run, or *by_hand* wait for calls of `step`. Raises KuiperError when its source or a sink cannot be opened."""
        with self._lock:
            if self._state in ("running", "starting"):
                return
            self._state, self._message, self._stopping, self._ended = "starting", "", False, False
            self.guard, self._thread = Guard(self.log), None
            try:
                with self.guard.watch():
                    self._open("started")
            except KuiperError as error:
                self._fail(error.message)
                raise
            except BaseException:  # Ctrl-C, while a source or sink of the user's opens
                self._close("stopped", "interrupted")
                raise
        if not self._wiring.clock.virtual and not by_hand:
            self._thread = threading.Thread(target=self._wiring.run, args=(self,), name=f"rule {self.id}", daemon=True)
            self._thread.start()

    def stop(self, within: float = WITHIN) -> None:
        """Stop; open windows are not sent. Returns *within* so many seconds, whatever the user's code does.

        User code that does not return is broken off where it is; what cannot be broken off (a wait in C) is left
        behind with its thread: nothing comes of it any more.
        """
        self.halt()
        mine = self._thread is threading.current_thread()
        if not mine and not halted(self.guard, self._over, self._interrupt, within):
            self._leave_behind()
        elif not mine and self._thread is not None:
            self._thread.join(1)  # it has ended but for its last breath
        self.ended()

    def halt(self) -> None:
        """Ask it to stop, and do not wait for that."""
        self._stopping = True
        self._awake.set()

    def ended(self) -> None:
        """No step is under way nor will be: let go of source and sinks, if that has not been done."""
        with self._lock, self.guard.watch():
            if self._state in ("running", "starting"):
                self._close("stopped", f"{self.backlog} pushed batches were not read" if self.backlog else "")

    def drop(self, within: float = WITHIN) -> None:
        """Stop and forget the rule."""
        self.stop(within)
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

        bounded = getattr(self._source, "bounded", True)
        if self._wiring.clock.virtual:
            if emits is None and timeout is None and not done() and bounded is False:
                hint = f"wait(emits=10) or wait(timeout=60); {self.plan.stream.type} never ends by itself"
                raise KuiperError(f"rule {self.id} would be waited for without end", hint)
            return self._wiring.drive(self, done, timeout)
        with self._changed:
            while not self._changed.wait_for(done, 0.1 if timeout is None else min(timeout, 0.1)):
                if timeout is not None:
                    timeout -= 0.1
                    if timeout <= 0:
                        return done()
        return True

    # ---- one micro-batch

    def step(self) -> bool:
        """One micro-batch: what the source has ready now, then the windows that are finished. Whether anything came."""
        with self._lock, self.guard.watch() as guard:
            if self._state != "running" or self._pipeline is None or self._source is None:
                return False
            now = self._wiring.clock.now()
            source, pipeline = self._source, self._pipeline
            payloads, ended = self._collected(source)
            if guard.lost or (not payloads and (self._state != "running" or self._source is not source)):
                return True  # the source failed: the rule has stopped, or started again
            for batch in concatenated(self._decoder.batches(payloads, now, self._out.undecodable)):
                pipeline.take(batch)
                pipeline.close(now)
                self._batches += 1
            pipeline.close(now)
            if guard.lost:
                return True
            if ended:
                self._finish(now)
            elif reason := self.bounds.reached(self._out.counts, now - (self._started or now)):
                self._close("stopped", reason)
            self._snapshot = self._taken()
        with self._changed:
            self._changed.notify_all()
        return bool(payloads) or ended

    def due(self) -> int | None:
        """When a step would have something to do (ms); None when only a push brings that about."""
        if self._state != "running" or self._pipeline is None or self._source is None:
            return None
        end = None if self.bounds.ms is None or self._started is None else self._started + self.bounds.ms
        found = [at for at in (self._source.due(), self._pipeline.due(), end) if at is not None]
        return min(found) if found else None

    @property
    def active(self) -> bool:
        """Whether it runs and nobody asked it to stop."""
        return self._state == "running" and not self._stopping

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do: no payload waits and no step is under way."""
        if not self.active:
            return True
        if self.backlog or not self._lock.acquire(blocking=False):
            return False
        try:
            return not self.backlog
        finally:
            self._lock.release()

    @property
    def input(self) -> Input:
        """How its input comes: pushed from outside, bounded, or without an end that is known."""
        source = self._source or self._wiring.source()
        if hasattr(source, "backlog"):
            return "pushed"
        return "bounded" if getattr(source, "bounded", True) else "unbounded"

    @property
    def sinks(self) -> list[str]:
        """The names of its sinks."""
        return [outlet.name for outlet in self._outlets or self._wiring.outlets()]

    @property
    def paced(self) -> bool:
        """Whether the clock, or a push, says when the source delivers; else it delivers at every turn."""
        return getattr(self._source, "paced", True)

    @property
    def threaded(self) -> bool:
        """Whether a thread of its own runs it now."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def clock(self) -> Clock:
        """What it takes the time from."""
        return self._wiring.clock

    def now(self) -> int:
        """The session's clock, ms."""
        return self._wiring.clock.now()

    def wake(self) -> None:
        """Something arrived: the rule's thread need not wait for its next due time."""
        self._awake.set()

    @property
    def backlog(self) -> int:
        """How many payloads wait in the source."""
        return getattr(self._source, "backlog", 0)

    def rest(self, seconds: float) -> None:
        """Wait for a wake-up, at most so long."""
        self._awake.wait(seconds)
        self._awake.clear()

    def failed(self, error: BaseException) -> None:
        """An error stopped the rule: start again if its restart strategy says so, else stop with the error shown."""
        message = error.message if isinstance(error, KuiperError) else f"{type(error).__name__}: {error}"
        with self._lock, self.guard.watch() as guard:
            now, off = self._wiring.clock.now(), isinstance(error, Stopped)
            message = broken_off(guard) if off else message
            stopping = off or (self._stopping and self._state == "running")
            lost = self._write_off()
            if lost or not stopping:
                where = guard.broken_at if off else getattr(error, "where", "")
                self._out.fault(message, None, now, where=where, window=True)
            if not stopping and self._attempts < self.plan.options.attempts:
                self._attempts += 1
                self.log.note(f"failed: {message}")
                self._close("stopping", "")
                self._pipeline = None  # what waits in it is not taken over
                self._write_off()
                try:
                    self._open(f"restarted, attempt {self._attempts} of {self.plan.options.attempts}")
                    return
                except KuiperError as again:
                    message = again.message
            if stopping:
                self._close("stopped", message if lost else "")
            else:
                self._fail(message)
        with self._changed:
            self._changed.notify_all()

    # ---- inside

    def _over(self, seconds: float) -> bool:
        """Whether no step is under way, now or after so many seconds."""
        if self._thread is not None:
            return self.guard.finished.wait(seconds)
        if not self._lock.acquire(timeout=seconds):
            return False
        self._lock.release()
        return True

    def _interrupt(self) -> None:
        if self._vector is not None:
            self._vector.interrupt()

    def _leave_behind(self) -> None:
        """Nobody waits for the step under way any more; what it still does reaches nothing of this rule."""
        message = stuck(self.guard)
        self.guard.lost, self.guard = True, Guard(self.log)
        self._lock, self._thread, self._out = threading.RLock(), None, self._out.handed_over()
        caller = self._wiring.caller
        self._exact, self._vector = Exact(self.plan, caller), self._wiring.vector(self.plan, caller)
        if self._write_off():
            self._out.fault(message, None, self.now(), window=True)
        self._close("stopped", message, close_aside)

    def _write_off(self) -> int:
        return self._out.write_off(self._pipeline.waiting if self._pipeline is not None else 0)

    def _open(self, how: str) -> None:
        now = self._wiring.clock.now()
        self._started = now
        scope = Scope(self._wiring.clock, self.id, now)
        self._pipeline = Pipeline(self.plan, self._exact, self._vector, self._out, scope)
        self._source = self._wiring.source()
        self._outlets = self._wiring.outlets()
        for outlet in self._outlets:
            outlet.separate = self.plan.window is None
            outlet.sink.open()
        self._source.open()
        self._state = "running"
        self._decoder.floor = now
        self._pipeline.start(now)
        self._pipeline.close(now)
        self._snapshot = self._taken()
        self.log.note(how)

    def _collected(self, source: Source) -> tuple[list[Payload], bool]:
        """What the source has ready now; one table is enough for a step. Whether the source has ended."""
        payloads: list[Payload] = []
        try:
            while len(payloads) < _MOST_PAYLOADS:
                payload = source.poll()
                if payload is None:
                    break
                payloads.append(payload)
                if getattr(source, "backlog", None) is None:
                    break
        except EndOfStream:
            return payloads, True
        except KuiperError as error:
            self.failed(error)
        return payloads, False

    def _finish(self, now: int) -> None:
        assert self._pipeline is not None
        if self.plan.options.flush_at_end:
            self._pipeline.finish()
        for outlet in self._outlets:
            outlet.finish(now, self._out.unsent)
        self._close("stopped", "done")

    def _close(self, state: State, message: str, close: Closing = closed) -> None:
        self._state, self._message = state, message
        self._snapshot = self._taken()
        close([self._source, *(outlet.sink for outlet in self._outlets)], self.log.note)
        if state != "stopping":
            self.log.note(f"{state}: {message}" if message else state)

    def _fail(self, message: str) -> None:
        self._out.last_error = message
        self._close("stopped by error", message)

    def _deliver(self, emit: Emit, messages: Sequence[Message] | None) -> None:
        for outlet in self._outlets:
            outlet.deliver(emit, messages, self._out.unsent)

    def _report_error(self, error: RowError) -> None:
        for outlet in self._outlets:
            outlet.error(error, self._out.unsent)

    def __repr__(self) -> str:
        return f"<Rule {self.id}: {self._state}>"


_COUNTS = ("rows_in", "rows_out", "emits", "used", "filtered", "late", "errored", "errors", "window_errors")
