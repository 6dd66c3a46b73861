"""However the input is cut into batches, the spans, the late rows and the moments are those of one row at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuiper_nb.windowing.spec import Count, Hopping, Tumbling, Unit, aligned_first_end
from kuiper_nb.windowing.watermark import EventTime, release
from kuiper_nb.windowing.windows import windows

from ..generated import cases

BASE = 1_709_640_000_000
CUTS = (1, 7, 64, 10**9)


@dataclass(frozen=True)
class Seen:
    """One window as a user sees it: the arrival that brought it, its bounds and the numbers of its rows."""

    arrival: int
    start: int
    end: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Rule:
    """A window over one stream or two, in event time; its FILTER keeps every *nth* row."""

    spec: Tumbling | Hopping
    tolerance: int = 0
    streams: int = 1
    nth: int = 1

    def keeps(self, number: int) -> bool:
        return number % self.nth == 0


Arrivals = list[tuple[int, int]]  # (time, stream)


@dataclass
class History:
    late: list[int] = field(default_factory=list)
    released: list[tuple[int, int]] = field(default_factory=list)  # (arrival that let it go on, row)
    windows: list[Seen] = field(default_factory=list)


def start_of(spec, trigger: int, end: int) -> int:
    start = trigger - spec.step if isinstance(spec, Hopping) else trigger
    return start if start > 0 else end - spec.length


def inside(spec, time: int, end: int) -> bool:
    return time < end and (isinstance(spec, Tumbling) or time >= end - spec.length)


# --- one row at a time, straight from the specification ----------------------------------------------------------


def row_by_row(rule: Rule, arrivals: Arrivals) -> History:
    spec, history = rule.spec, History()
    greatest: dict[int, int] = {}
    watermark = end = trigger = None
    waiting: list[tuple[int, int]] = []
    inputs: list[tuple[int, int]] = []
    for arrival, (time, stream) in enumerate(arrivals):
        greatest[stream] = max(greatest.get(stream, time), time)
        if watermark is not None and time < watermark:
            history.late.append(arrival)
            continue
        waiting.append((time, arrival))
        moved = min(greatest.values()) - rule.tolerance if len(greatest) == rule.streams else None
        if moved is None or (watermark is not None and moved <= watermark):
            continue
        watermark = moved
        waiting.sort(key=lambda row: row[0])
        for row in [row for row in waiting if row[0] <= watermark]:
            waiting.remove(row)
            history.released.append((arrival, row[1]))
            if rule.keeps(row[1]):
                inputs.append(row)
                if end is None:
                    end, trigger = aligned_first_end(spec, row[0]), row[0]
        while end is not None and end <= watermark:
            rows = tuple(number for at, number in inputs if inside(spec, at, end))
            history.windows.append(Seen(arrival, start_of(spec, trigger, end), end, rows))
            if isinstance(spec, Tumbling):
                inputs = [row for row in inputs if row[0] >= end]
            end, trigger = end + spec.step, end
    return history


# --- the same in batches, as the engine does it ------------------------------------------------------------------


class InBatches:
    """The watermark, the rows that wait for it and the windows, put together."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.machine = windows(rule.spec)
        self.event_time = EventTime(rule.tolerance, rule.streams)
        self.times, self.releases, self.numbers = (np.empty(0, np.int64) for _ in range(3))
        self.buffer: list[tuple[int, int]] = []
        self.history = History()

    def take(self, first: int, times: np.ndarray, streams: np.ndarray) -> None:
        answer = self.event_time.admit(times, streams)
        numbers = np.arange(first, first + len(times))
        self.history.late += numbers[answer.late].tolist()
        waiting = np.concatenate([self.times, times[~answer.late]])
        releases = np.concatenate([self.releases, answer.releases[~answer.late]])
        numbers = np.concatenate([self.numbers, numbers[~answer.late]])
        now, later = release(waiting, releases, self.event_time.at)
        arrivals = answer.moved_by(releases[now])
        self.history.released += zip((first + arrivals).tolist(), numbers[now].tolist(), strict=True)
        kept = np.array([self.rule.keeps(number) for number in numbers[now].tolist()], np.bool_)
        self._windows(first, answer, waiting[now][kept], numbers[now][kept], arrivals[kept])
        self.times, self.releases, self.numbers = waiting[later], releases[later], numbers[later]

    def _windows(self, first, answer, times, numbers, arrivals) -> None:
        unaligned = self.machine.due() is None
        self.machine.observe(times)
        self.buffer += zip(times.tolist(), numbers.tolist(), strict=True)
        spans = self.machine.close(self.event_time.at)
        moved = answer.moved_by(np.array([span.end for span in spans], np.int64))
        if unaligned and len(arrivals):
            moved = np.maximum(moved, arrivals[0])
        for span, arrival in zip(spans, moved.tolist(), strict=True):
            rows = tuple(number for time, number in self.buffer if span.lower <= time < span.upper)
            self.history.windows.append(Seen(first + arrival, span.start, span.end, rows))
        self.buffer = [row for row in self.buffer if row[0] >= self.machine.keep_from()]


def batched(rule: Rule, arrivals: Arrivals, cut: int) -> History:
    pipeline = InBatches(rule)
    for first in range(0, len(arrivals), cut):
        part = arrivals[first : first + cut]
        times, streams = (np.array(column, np.int64) for column in zip(*part, strict=True))
        pipeline.take(first, times, streams)
    return pipeline.history


# --- histories: late, tied and out of order ----------------------------------------------------------------------

SPECS = st.one_of(
    st.builds(Tumbling, st.just(Unit.SS), st.integers(1, 4)),
    st.builds(Tumbling, st.just(Unit.MS), st.integers(200, 1500)),
    st.builds(Hopping, st.just(Unit.SS), st.integers(1, 4), st.integers(1, 4)),
    st.builds(Hopping, st.just(Unit.MS), st.integers(200, 1500), st.integers(200, 900)),
)
STEPS = st.one_of(st.sampled_from([0, 0, 500, 1000]), st.integers(-2500, 2500), st.just(9000))
RULES = st.builds(
    Rule, SPECS, st.sampled_from([0, 1, 500, 1000, 4000]), st.sampled_from([1, 2]), st.sampled_from([1, 3])
)


@st.composite
def histories(draw) -> Arrivals:
    """Times that mostly advance, by small steps with many ties."""
    steps = draw(st.lists(STEPS, max_size=90))
    grid = draw(st.sampled_from([1, 100, 250, 800]))
    origin = draw(st.sampled_from([BASE, BASE + 9990, 300]))
    times = [origin + step + 200 * n for n, step in enumerate(accumulate(steps))]
    return [(time - time % grid, draw(st.integers(0, 1))) for time in times]


@settings(max_examples=cases(1200))
@given(RULES, histories())
def test_event_time_windows_do_not_depend_on_how_the_input_is_cut(rule, arrivals):
    arrivals = [(time, stream % rule.streams) for time, stream in arrivals]

    expected = row_by_row(rule, arrivals)

    assert [batched(rule, arrivals, cut) for cut in CUTS] == [expected] * len(CUTS)


def test_a_history_by_hand():
    #              0     1     2     3      4     5
    #  arrivals   300   800   750  1200    700  2600       tolerance 400
    #  watermark -100   400   400   800    800  2200
    #  gone on           0          2 1          3         700 < 800 is late
    #  windows                              ]1000  ]2000   the first starts at the first row
    arrivals = [(BASE + time, 0) for time in (300, 800, 750, 1200, 700, 2600)]

    history = batched(Rule(Tumbling(Unit.SS, 1), 400), arrivals, 4)

    assert history == History(
        late=[4],
        released=[(1, 0), (3, 2), (3, 1), (5, 3)],
        windows=[Seen(5, BASE + 300, BASE + 1000, (0, 2, 1)), Seen(5, BASE + 1000, BASE + 2000, (3,))],
    )


# --- processing time: the clock closes, timers before rows -------------------------------------------------------


def by_the_clock(spec, start: int, arrivals: list[int], until: int) -> list[tuple[int, ...]]:
    end, trigger = aligned_first_end(spec, start), start
    inputs: list[tuple[int, int]] = []
    seen = []
    for number, arrival in [*enumerate(arrivals), (-1, until)]:
        while end <= arrival:
            rows = tuple(n for at, n in inputs if inside(spec, at, end))
            seen.append((start_of(spec, trigger, end), end, *rows))
            if isinstance(spec, Tumbling):
                inputs = [row for row in inputs if row[0] >= end]
            end, trigger = end + spec.step, end
        inputs.append((arrival, number))
    return seen


@settings(max_examples=cases(600))
@given(SPECS, st.lists(st.sampled_from([0, 0, 1, 300, 500, 999, 1000, 2500]), max_size=60), st.integers(0, 12_000))
def test_processing_time_windows_do_not_depend_on_when_they_are_asked_for(spec, gaps, offset):
    start = BASE + offset
    arrivals = (start + np.cumsum(gaps, dtype=np.int64)).tolist() if gaps else []
    until = (arrivals[-1] if arrivals else start) + 3000
    expected = by_the_clock(spec, start, arrivals, until)

    for cut in CUTS:
        machine = windows(spec)
        machine.start(start)
        spans = []
        for first in range(0, len(arrivals), cut):
            part = arrivals[first : first + cut]
            machine.observe(np.array(part, np.int64))
            spans += machine.close(part[-1])
        spans += machine.close(until)
        seen = [
            (span.start, span.end, *(n for n, at in enumerate(arrivals) if span.lower <= at < span.upper))
            for span in spans
        ]
        assert seen == expected


@settings(max_examples=cases(600))
@given(st.integers(1, 9), st.integers(-1, 9), st.integers(0, 150), st.booleans())
def test_count_windows_do_not_depend_on_how_the_input_is_cut(length, interval, rows, from_first):
    spec = Count(length, min(interval, length), from_first)
    times = [BASE + 10 * n for n in range(rows)]
    expected = [
        (tuple(range(n - length, n)), times[n - length] if from_first else times[n - 1], times[n - 1])
        for n in range(1, rows + 1)
        if n % spec.every == 0 and n >= length
    ]

    for cut in CUTS:
        machine = windows(spec)
        spans = []
        for first in range(0, rows, cut):
            kept = machine.keep_from()
            machine.observe(np.array(times[first : first + cut], np.int64))
            fresh = machine.close(0)
            assert all(span.lower >= kept for span in fresh)
            spans += fresh
        assert [(tuple(range(s.lower, s.upper)), s.start, s.end) for s in spans] == expected


@pytest.mark.parametrize("cut", CUTS)
def test_what_a_window_to_come_needs_is_kept(cut):
    machine = windows(Hopping(Unit.SS, 3, 2))
    times = [BASE + 370 * n for n in range(200)]

    for first in range(0, len(times), cut):
        part = times[first : first + cut]
        machine.observe(np.array(part, np.int64))
        kept = machine.keep_from()
        assert all(span.lower >= kept for span in machine.close(part[-1]))


@settings(max_examples=cases(600))
@given(
    SPECS, st.lists(st.integers(0, 40_000), max_size=30), st.lists(st.integers(0, 42_000), max_size=6), st.booleans()
)
def test_passing_over_empty_windows_changes_nothing_else(spec, offsets, marks, ends):
    times = np.sort(np.array(offsets, np.int64)) + BASE
    plain, passing = windows(spec), windows(spec)
    for machine in (plain, passing):
        machine.start(BASE)
        machine.observe(times)

    def filled(spans):
        return [span for span in spans if ((times >= span.lower) & (times < span.upper)).any()]

    for mark in sorted(marks):
        waiting = times[times >= passing.keep_from() - 500]  # some that were let go are still in sight
        assert passing.close(BASE + mark, np.flip(waiting)) == filled(plain.close(BASE + mark))
        assert (passing.due(), passing.keep_from()) == (plain.due(), plain.keep_from())
    if ends:
        assert passing.finish(times) == filled(plain.finish())
