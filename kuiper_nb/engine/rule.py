"""A running rule: from source to sinks, one micro-batch a step, in eKuiper's states."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from ..contracts import Clock, Payload, Source
from ..errors import KuiperError
from ..sql.plan import Plan
from .batch import Batch, concatenated
from .bounds import Bounds
from .decode import Decoder
from .emits import Emit, Late, Newest, RowError
from .exact import Exact
from .explain import explained
from .intake import collected
from .outlet import Outlet
from .output import Message, Output
from .parameters import Parameters
from .pipeline import Pipeline
from .result import arrow_table, frame
from .status import RuleStatus, State
from .why import reason
from .wiring import Scope, Wiring

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Input = Literal["pushed", "bounded", "unbounded"]


class Rule:
    """A rule. It is made stopped; `start` runs it.

    *emits*, *errors* and *late* hold the newest of what came out. Under a virtual clock everything happens in the
    thread that calls; else in a thread of the rule's own.
    """

    def __init__(self, id: str, plan: Plan, wiring: Wiring, *, keep: int = 100_000, generation: int = 1) -> None:
        self.id = id
        self.plan = plan
        self.generation = generation
        self.bounds = Bounds()
        self._wiring = wiring
        self._out = Output(keep)
        self._out.deliver = self._deliver
        self._out.report = self._report_error
        self._state: State = "stopped"
        self._message = ""
        self._source: Source | None = None
        self._outlets: list[Outlet] = []
        self._pipeline: Pipeline | None = None
        self._tape = wiring.tape()
        self._decoder = Decoder(plan.stream, plan.columns, plan.options.event_time)
        self.parameters = Parameters(plan.parameters)
        self._exact = Exact(plan, wiring.caller, self.parameters)
        self._vector = wiring.vector(plan, wiring.caller, self.parameters)
        self._lock = threading.RLock()
        self._changed = threading.Condition()
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._ended = False
        self._attempts = 0
        self._batches = 0
        self._started: int | None = None
        self._floor = 0  # the clock at the last step: nothing arrives before it, or a closed window would miss it
        self._snapshot = self._taken()

    # ---- what came out

    @property
    def emits(self) -> Newest[Emit]:
        """What the sinks got, one per window; without a window one per micro-batch."""
        return self._out.emits

    @property
    def errors(self) -> Newest[RowError]:
        """What failed: rows, payloads, windows."""
        return self._out.errors

    @property
    def late(self) -> Newest[Late]:
        """Rows that came after the watermark had passed them."""
        return self._out.late

    def arrow(self) -> pa.Table:
        """All kept rows as one `pyarrow.Table`."""
        return arrow_table(self.emits)

    def df(self) -> pd.DataFrame:
        """All kept rows as a pandas DataFrame."""
        return frame(self.emits)

    @property
    def status(self) -> RuleStatus:
        """A snapshot, taken at the border of the last micro-batch; a step that takes long does not hold it up."""
        return replace(self._snapshot, state=self._state, message=self._message)

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

    def why(self, place: Callable[[str], str] = str) -> str:
        """The one reason why nothing comes out, in a line or two; *place* words a place in the user's code."""
        return reason(self, self._pipeline, self._source, place)

    def set(self, **values: Any) -> None:
        """Give parameters (`$name` in its SQL) values, which count from the next micro-batch on. Raises PlanError."""
        self.parameters.set(values)

    # ---- life

    def start(self, *, by_hand: bool = False) -> None:
        """Run, or *by_hand* wait for calls of `step`. Raises KuiperError when its source or a sink cannot be opened."""
        with self._lock:
            if self._state in ("running", "starting"):
                return
            self.parameters.require()
            self._state, self._message, self._stopping, self._ended = "starting", "", False, False
            try:
                self._open()
            except KuiperError as error:
                self._fail(error.message)
                raise
        if not self._wiring.clock.virtual and not by_hand:
            self._thread = threading.Thread(target=self._wiring.run, args=(self,), name=f"rule {self.id}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop; open windows are not sent. Returns when the rule has stopped, or after two seconds of waiting."""
        self._stopping = True
        self._awake.set()
        if self._vector is not None:
            self._vector.interrupt()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(2)
            if thread.is_alive():  # a function of the user's that does not return; the thread ends when it does
                self._state, self._message = "stopped", "a step is still under way"
                return
        with self._lock:
            if self._state in ("running", "starting"):
                self._close("stopped", f"{self.backlog} pushed batches were not read" if self.backlog else "")

    def drop(self) -> None:
        """Stop and forget the rule."""
        self.stop()
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
            if emits is None and timeout is None and not done() and bounded is False and self.bounds == Bounds():
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
        with self._lock:
            if self._state != "running" or self._pipeline is None or self._source is None:
                return False
            now = self._wiring.clock.now()
            self.parameters.renew()
            source = self._source
            payloads, ended, error = collected(source)
            if error is not None:
                self.failed(error)
            if not payloads and (self._state != "running" or self._source is not source):
                return True  # the source failed: the rule has stopped, or started again
            for batch in concatenated(self._decoded(payloads, now)):
                self._pipeline.take(batch)
                self._pipeline.close(min(now, int(batch.arrivals[-1])))  # a later batch may belong to the same window
                self._batches += 1
            self._pipeline.close(now)
            if ended:
                self._finish(now)
            elif reason := self.bounds.reached(self._out.counts, now - (self._started or now)):
                self._close("stopped", reason)
            self._snapshot = self._taken()
        with self._changed:
            self._changed.notify_all()
        return bool(payloads) or ended

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
        if self.backlog:
            return False
        with self._lock:
            return not self.backlog

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
        with self._lock:
            now = self._wiring.clock.now()
            self._out.write_off(self._pipeline.waiting if self._pipeline is not None else 0)
            self._out.fault(message, None, now, where=getattr(error, "where", ""), window=True)
            if self._attempts < self.plan.options.attempts and not self._stopping:
                self._attempts += 1
                self._close("stopping", "")
                self._pipeline = None  # what waits in it is not taken over
                self._out.write_off(0)
                try:
                    self._open()
                    return
                except KuiperError as again:
                    message = again.message
            self._fail(message)
        with self._changed:
            self._changed.notify_all()

    # ---- inside

    def _open(self) -> None:
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
        if self.plan.options.flush_at_end and getattr(self._source, "complete", True):
            self._pipeline.finish()
        for outlet in self._outlets:
            outlet.finish(now, self._report)
        self._close("stopped", "done")

    def _close(self, state: State, message: str) -> None:
        if self._tape is not None:
            self._tape.close(ended=message == "done")  # first: who waits for the rule to stop, waits for the file
        self._state, self._message = state, message
        self._snapshot = self._taken()
        if self._source is not None:
            self._source.close()
        for outlet in self._outlets:
            outlet.sink.close()

    def _fail(self, message: str) -> None:
        self._out.last_error = message
        self._close("stopped by error", message)

    def _undecodable(self, message: str, row: Any, at: int) -> None:
        self._out.counts["rows_in"] += 1
        self._out.fault(message, row, at)

    def _deliver(self, emit: Emit, messages: Sequence[Message] | None) -> None:
        for outlet in self._outlets:
            outlet.deliver(emit, messages, self._report)

    def _report_error(self, error: RowError) -> None:
        for outlet in self._outlets:
            outlet.error(error, self._report)

    def _report(self, message: str, row: Any, at: int, where: str) -> None:
        """A failure on the way out is an error of the rule, but not one that goes out again."""
        self._out.errors.append(RowError(message, row, at, where))
        self._out.counts["errors"] += 1
        self._out.last_error = message

    def __repr__(self) -> str:
        return f"<Rule {self.id}: {self._state}>"


_COUNTS = ("rows_in", "rows_out", "emits", "used", "filtered", "late", "errored", "errors", "window_errors")
