"""One run of a plan: rows in, emits out. No clock, no thread and no source: the rule brings batches and the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..errors import RowFault
from ..sql.builtins.entry import Scope
from ..sql.evaluate import Frame, fresh
from ..sql.plan import Plan
from ..windowing.admission import Admission
from ..windowing.spec import Count
from ..windowing.watermark import EventTime, release
from ..windowing.windows import Span, windows
from .batch import FEW, Batch, Times, joined, table_rows
from .buffer import MANY, Buffer, FrameSegment, Placed, SortedFrames, TableSegment
from .emits import Emit, Late, RowError
from .exact import Exact
from .faults import row_error
from .leap import Leap
from .output import Output
from .rest import Rest
from .spanstage import EXACT, Verdict
from .vector import Entered, Failures, Vector

_NEVER = 2**62
_NOWHERE = np.empty(0, np.intp)


class Pipeline:
    """The state of a running plan. *vector* is the DuckDB arm, None when everything goes through the exact one."""

    def __init__(self, plan: Plan, exact: Exact, vector: Vector | None, out: Output, scope: Scope) -> None:
        self.plan = plan
        self.exact = exact
        self.exact.reset()
        self.vector = vector
        self.out = out
        self.scope = scope
        self.watermark = EventTime(plan.options.late_tolerance) if plan.options.event_time else None
        self.windows = windows(plan.window) if plan.window is not None else None
        self.silent = self.windows is not None and exact.silent()  # whether empty windows send nothing
        self.buffer = Buffer()
        self.arms: Counter[str] = Counter()
        self._counted = isinstance(plan.window, Count)
        self._aligned = self.windows is not None and self._counted
        self._held: tuple[Batch, Times] | None = None  # event time: rows that wait to go on, in order of arrival
        self._pending: tuple[Batch, Times] | None = None  # event time: the rows seen before the first window is aligned
        self._ordinal = 0
        self._newest = -_NEVER
        self._mover: tuple[Admission, Times] | None = None
        self._aligned_by = 0  # the place in this batch of the row that let the first window be aligned
        self._started = 0

    # ---- what the rule calls

    def start(self, at: int) -> None:
        """Begin at *at* (ms): windows of processing time align on it."""
        self._started = at
        if self.windows is not None and self.watermark is None:
            self.windows.start(at)
            self._aligned = True

    def take(self, batch: Batch) -> None:
        """One micro-batch."""
        self.out.counts["rows_in"] += len(batch)
        self.exact.over()
        releases, at = batch.times, int(batch.arrivals[-1])
        if self.watermark is not None:
            admission = self.watermark.admit(batch.times)
            self._mover, self._aligned_by = (admission, batch.arrivals), 0
            if not self._aligned or self.plan.sequential:  # once windows are aligned, nobody asks who let a row go on
                releases = admission.releases
            if admission.any_late:
                late = admission.late
                self._too_late(batch.select(late), admission.watermarks[late])
                batch, releases = batch.select(~late), releases[~late]
        if self.watermark is not None and (self.windows is None or self.plan.sequential):
            batch, releases = self._released(batch, releases)
        if self.windows is None:
            self._pass(batch, at)
        else:
            self._enter(batch, releases)
            self._align_when_gone_on()

    def close(self, now: int) -> None:
        """Send every window that is finished by *now* (ms, the clock)."""
        if self.windows is not None and self._aligned:
            mark = now if self.watermark is None else self.watermark.at
            self._send_until(mark)

    def finish(self) -> None:
        """The input has ended: let everything that waits go on, and close the windows that hold rows."""
        if self._held is not None:
            batch, releases = self._held
            self._held = None
            order = np.argsort(batch.times, kind="stable")
            if self.windows is None:
                self._pass(batch.select(order), int(batch.arrivals.max()))
            else:
                self._enter(batch.select(order), releases[order])
        if self.windows is None:
            return
        if not self._aligned and self._pending is not None:
            self._align(self._pending[0].times)
        if self._aligned:
            self._send_until(None)
            self.out.counts["used"] += self.buffer.trim(_NEVER)

    def release(self) -> None:
        """Give back what is on disk: no more rows are looked at."""
        self.buffer.close()

    def due(self) -> int | None:
        """When `close` has something to do although no row comes (ms)."""
        if self.windows is None or self.watermark is not None or (self.silent and not len(self.buffer)):
            return None
        return self.windows.due()

    @property
    def waiting(self) -> int:
        """Rows that are still needed."""
        return len(self.buffer) + (0 if self._held is None else len(self._held[0]))

    @property
    def first_pending(self) -> int | None:
        """The earliest of the event times (ms) seen before the first window is aligned; None when there is none."""
        return None if self._pending is None else int(self._pending[0].times.min())

    # ---- event time

    def _too_late(self, batch: Batch, watermarks: Times) -> None:
        for row, at, time, mark in zip(
            batch.as_rows(), batch.arrivals.tolist(), batch.times.tolist(), watermarks.tolist(), strict=True
        ):
            self.out.delay(Late(row, at, mark - time))

    def _released(self, batch: Batch, releases: Times) -> tuple[Batch, Times]:
        """The rows that may go on now, sorted by time; the others wait."""
        assert self.watermark is not None
        if self._held is not None:
            waiting, waiting_releases = self._held
            batch, releases = joined(waiting, batch), np.concatenate([waiting_releases, releases])
        now, later = release(batch.times, releases, self.watermark.at)
        self._held = (batch.select(later), releases[later]) if len(later) else None
        return batch.select(now), releases[now]

    def _align(self, times: Times) -> None:
        assert self.windows is not None
        self.windows.observe(np.sort(times))
        self._newest = int(times.max())
        self._aligned = True
        self._pending = None

    def _observe(self, batch: Batch, releases: Times) -> None:
        """Tell the windows of accepted rows; in event time only their times, until the windows are aligned."""
        assert self.windows is not None
        if self.watermark is None:
            self.windows.observe(batch.times)
            return
        if self._aligned:
            self._newest = max(self._newest, int(batch.times.max()))
            self.windows.observe(np.array([self._newest], np.int64))
            return
        only_times = Batch(batch.arrivals, batch.times, [{}] * len(batch))
        if self._pending is not None:
            waiting, waiting_releases = self._pending
            only_times, releases = joined(waiting, only_times), np.concatenate([waiting_releases, releases])
        self._pending = (only_times, releases)

    def _align_when_gone_on(self) -> None:
        """In event time windows align on the first row that has gone on; a row that does not enter may let it."""
        if self.watermark is None or self._pending is None:
            return
        waiting, releases = self._pending
        gone_on = releases <= self.watermark.at
        if not gone_on.any():
            return
        assert self.windows is not None
        assert self._mover is not None
        self._aligned_by = int(self._mover[0].moved_by(np.array([releases[gone_on].min()]))[0])
        self._align(waiting.times[gone_on])
        self._newest = int(waiting.times.max())
        self.windows.observe(np.array([self._newest], np.int64))

    # ---- rows without a window

    def _pass(self, batch: Batch, at: int) -> None:
        """Rows without a window, on their way at *at* (ms), the arrival that let them go on."""
        if not len(batch):
            return
        partial = self.vector.rows(batch) if self.vector is not None and self.vector.wants(batch) else None
        if partial is None:
            self.out.batch(at, [message for _, message in self._messages(batch, range(len(batch)), {})])
            return
        places = partial.exact if partial.exact is not None else _NOWHERE
        rest = self._messages(batch.select(places), places.tolist(), partial.failures) if len(places) else Rest()
        self.arms["duckdb"] += len(batch) - len(places)
        self.out.counts["used"] += partial.size
        self.out.counts["filtered"] += len(batch) - partial.size - len(places)
        self.out.merged(at, partial, rest)

    def _messages(self, batch: Batch, places: Sequence[int], failures: Failures) -> Rest:
        """The exact arm: output rows and errors, each with its place in the batch they came in."""
        self.arms["exact"] += len(batch)
        rest = Rest()
        for _ in range(2 if self.exact.remembers else 0):
            if len(batch) > FEW:
                batch, places = rest.without_refused(batch, places, self.exact.refusals)
            if len(batch) > FEW:  # what these teach need not be asked of the others
                first = np.arange(len(batch)) < FEW
                self._answer(rest, batch.select(first), places[:FEW], failures)
                batch, places = batch.select(~first), places[FEW:]
        self._answer(rest, batch, places, failures)
        return rest

    def _answer(self, rest: Rest, batch: Batch, places: Sequence[int], failures: Failures) -> None:
        used = filtered = 0
        frames = self.exact.asked(self._frames(batch, places, failures))
        for place, frame, arrival in zip(places, frames, batch.arrivals.tolist(), strict=True):
            if isinstance(frame, RowError):
                rest.made.append((place, frame))
                continue
            try:
                self.exact.prepare(frame)
                if not self.exact.passes_where(frame):
                    filtered += 1
                    continue
                if self.plan.limit != 0 and (self.plan.having is None or self.exact.passes_having(frame)):
                    rest.made += [(place, row) for row in self.exact.rows(frame)]
                used += 1
            except RowFault as fault:
                rest.made.append((place, row_error(fault, frame, arrival)))
        self.out.counts["used"] += used
        self.out.counts["filtered"] += filtered

    def _frames(self, batch: Batch, places: Sequence[int], failures: Failures) -> Iterator[Frame | RowError]:
        """The rows as frames; as errors where it is known that they fail."""
        scope, meta, rows = self.scope, batch.meta, batch.as_rows()
        refusals = self.exact.refusals(rows)
        columns = places, rows, batch.times.tolist(), batch.arrivals.tolist(), refusals
        for place, row, at, arrival, refusal in zip(*columns, strict=True):
            frame = Frame(row, at, meta, scope)
            frame.failures = failures.get(place, frame.failures)
            yield frame if refusal is None else RowError(refusal, row, arrival)

    # ---- rows into windows

    def _enter(self, batch: Batch, releases: Times) -> None:
        assert self.windows is not None
        if not len(batch):
            return
        entered = None
        if self.vector is not None and self.vector.wants(batch):
            entered = self.vector.enter(batch)
        frames: list[Frame] = []
        if entered is None:
            places, frames = self._admitted(batch, range(len(batch)), {})
        elif entered.exact is None:
            places = entered.places
        else:
            kept, frames = self._admitted(batch.select(entered.exact), entered.exact.tolist(), entered.failures)
            places = np.sort(np.concatenate([entered.places, kept]))
        if entered is not None:
            left = len(batch) - (0 if entered.exact is None else len(entered.exact))
            self.out.counts["filtered"] += left - len(entered.places)
            self.arms["duckdb"] += left
        if len(places) < len(batch):
            batch, releases = Batch(batch.arrivals[places], batch.times[places]), releases[places]
        if len(places):
            self._store(batch, places, entered, frames)
            self._observe(batch, releases)
            if self.vector is not None and self._aligned:
                self.vector.spans.relieve(self.buffer, 0 if self._counted else self.windows.due())

    def _admitted(
        self, batch: Batch, places: Sequence[int], failures: Failures
    ) -> tuple[npt.NDArray[np.intp], list[Frame]]:
        """The exact arm: the rows that enter windows, and which of *places* they stood at."""
        self.arms["exact"] += len(batch)
        kept: list[int] = []
        frames: list[Frame] = []
        those = self.exact.asked(self._frames(batch, places, failures))
        for place, frame, arrival in zip(places, those, batch.arrivals.tolist(), strict=True):
            if isinstance(frame, RowError):
                self.out.failed(frame)
                continue
            try:
                self.exact.prepare(frame)
                if self.exact.enters(frame):
                    kept.append(place)
                    frames.append(frame)
                else:
                    self.out.counts["filtered"] += 1
            except RowFault as fault:
                self.out.failed(row_error(fault, frame, arrival))
        return np.array(kept, np.intp), frames

    def _store(self, batch: Batch, places: npt.NDArray[np.intp], entered: Entered | None, frames: list[Frame]) -> None:
        """Keep the rows of *batch*, which stood at *places*: those of *entered* as a table, the others as *frames*."""
        numbers = np.arange(self._ordinal, self._ordinal + len(places), dtype=np.int64)
        self._ordinal += len(places)
        keys = numbers if self._counted else batch.times
        if entered is not None and len(entered.places):
            mine = slice(None) if not frames else np.isin(places, entered.places, assume_unique=True)
            segment = TableSegment.of(keys[mine], entered.table, batch.arrivals[mine], numbers[mine])
            self.buffer.add_table(segment)
        if frames:
            others = (
                slice(None) if entered is None else np.isin(places, entered.places, assume_unique=True, invert=True)
            )
            self.buffer.add_frames(keys[others].tolist(), numbers[others].tolist(), frames)
            if self.vector is not None:
                self.buffer.pack(MANY, self.vector.packed)

    # ---- windows out

    def _send_until(self, mark: int | None) -> None:
        """Send every window that is finished at *mark* (ms), None: every one that still waits for rows."""
        assert self.windows is not None
        leap = Leap.to(self.windows, mark, getattr(self.plan.window, "step", 0))
        passing = leap is not None and (self.silent or leap.endless)  # what waited goes out, without the empty windows
        held = self.buffer.keys if passing else None
        self._send(self.windows.finish(held) if mark is None else self.windows.close(mark, held))
        if passing:
            self.out.counts["used"] += self.buffer.trim(self.windows.keep_from())
        if leap is not None and leap.endless and not self.silent:
            raise leap.refusal(self.plan.stream.timestamp)

    def _send(self, spans: list[Span]) -> None:
        assert self.windows is not None
        if not spans:
            return
        ats = self._times_of(spans)
        if self.vector is not None:
            self.buffer.pack(1 if self.buffer.tables else self.vector.fewest, self.vector.packed)
        if self.vector is None or not self.buffer.tables:
            self._exactly(spans, ats)
        else:
            self._by_verdict(spans, ats, self.vector.spans.windows(spans, ats, self.buffer))
        self.out.counts["used"] += self.buffer.trim(self.windows.keep_from())

    def _by_verdict(self, spans: list[Span], ats: list[int], verdicts: list[Verdict]) -> None:
        """Send what DuckDB computed, in order; neighbours for the evaluator go there together."""
        waiting: list[int] = []
        for number, verdict in enumerate([*verdicts, None]):
            if verdict is EXACT:
                waiting.append(number)
                continue
            if waiting:
                self._exactly([spans[i] for i in waiting], [ats[i] for i in waiting])
                waiting = []
            if isinstance(verdict, Emit):
                self.out.window(verdict)

    def _exactly(self, spans: list[Span], ats: list[int]) -> None:
        lower, upper = min(s.lower for s in spans), max(s.upper for s in spans)
        found: list[Placed] = []
        for segment in self.buffer.touching(lower, upper):
            if isinstance(segment, FrameSegment):
                found.extend(segment.between(lower, upper))
            else:
                found.extend(self._unpacked(segment, lower, upper))
        frames = SortedFrames(found)
        for span, at in zip(spans, ats, strict=True):
            try:
                rows = self.exact.emit([fresh(f) for f in frames.between(span.lower, span.upper)], span)
            except RowFault as fault:
                error = row_error(fault, None, at)
                self.out.fault(error.message, error.row, at, where=error.where, window=True)
                continue
            if rows is not None:
                self.out.window(Emit(at, rows))

    def _unpacked(self, segment: TableSegment, lower: int, upper: int) -> list[Placed]:
        table, all_keys, arrivals, all_numbers = segment.rows
        inside = (all_keys >= lower) & (all_keys < upper)
        rows = table_rows(table.filter(pa.array(inside)))
        scope = self.scope
        times = arrivals if self._counted else all_keys
        keys, numbers = all_keys[inside].tolist(), all_numbers[inside].tolist()
        frames = (Frame(row, time, None, scope) for time, row in zip(times[inside].tolist(), rows, strict=True))
        return list(zip(keys, numbers, frames, strict=True))

    def _times_of(self, spans: list[Span]) -> list[int]:
        """When each span goes out (ms): at its end, with its last row, or when a row moved the watermark past it."""
        if self.watermark is None:
            return [max(span.trigger, self._started) for span in spans]
        assert self._mover is not None
        admission, arrivals = self._mover
        places = np.maximum(admission.moved_by(np.array([s.end for s in spans], np.int64)), self._aligned_by)
        places = np.minimum(places, len(arrivals) - 1)
        ats: list[int] = np.maximum.accumulate(arrivals[places]).tolist()
        return ats
