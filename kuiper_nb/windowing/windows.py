"""Which spans of rows are finished? One machine a kind of window: integers in, spans out, no rows and no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from .spec import Count, Hopping, Spec, Tumbling, aligned_first_end

Times: TypeAlias = npt.NDArray[np.int64]

BEGINNING = -(2**63)
"""A key before that of any row."""


class Span(NamedTuple):
    """The rows of one window, lower <= key < upper, and what its window functions say (ms).

    A row's key is its time; for count windows its ordinal, the number of rows observed before it.
    """

    lower: int
    upper: int
    start: int
    end: int
    trigger: int


class Windows(Protocol):
    """The windows of one rule. In event time the watermark closes them, in processing time the clock."""

    def start(self, at: int) -> None:
        """Align on *at* (ms), the start of the rule; in event time the first row observed does that."""
        ...

    def observe(self, times: Times) -> None:
        """Take notice of rows by their times (ms), which never decrease: sorted in event time, else as they arrive."""
        ...

    def close(self, watermark: int, held: Times | None = None) -> list[Span]:
        """Take out every span that is finished at *watermark* (ms), empty ones too, oldest first.

        With *held*, the keys of the rows that wait, in any order, only the spans that hold one of them: the empty ones
        are passed over without a step for each.
        """
        ...

    def finish(self, held: Times | None = None) -> list[Span]:
        """Take out every span that still waits for rows, oldest first: there will be no more. *held* as in `close`."""
        ...

    def finishing(self) -> int | None:
        """The watermark (ms) at which `finish` closes; None when it does not look at one."""
        ...

    def due(self) -> int | None:
        """The next watermark (ms) at which `close` has something; None when only rows can bring that about."""
        ...

    def keep_from(self) -> int:
        """The least key that is still needed: rows below it belong to no span to come."""
        ...


def windows(spec: Spec) -> Windows:
    """The machine for *spec*."""
    match spec:
        case Tumbling():
            return TumblingWindows(spec)
        case Hopping():
            return HoppingWindows(spec)
        case Count():
            return CountWindows(spec)


class _Aligned:
    """What windows of a fixed length have in common: ends at equal steps from the first, aligned one on for ever."""

    def __init__(self, spec: Tumbling | Hopping) -> None:
        self._spec = spec
        self._next: int | None = None  # the end of the next window
        self._trigger = 0  # when the last window ended; before there is one, what the first was aligned on
        self._latest: int | None = None

    def start(self, at: int) -> None:
        """Align the first window, which also counts as the end of one before it."""
        self._next = aligned_first_end(self._spec, at)
        self._trigger = at

    def observe(self, times: Times) -> None:
        """Align on the first row of all, unless a start did; rows change nothing else."""
        if len(times) == 0:
            return
        if self._next is None:
            self.start(int(times[0]))
        self._latest = int(times[-1])

    def due(self) -> int | None:
        """The end of the next window; None before the first is aligned."""
        return self._next

    def finishing(self) -> int | None:
        """The end of the last window that can hold the latest row."""
        return None if self._latest is None else self._latest + self._spec.length

    def finish(self, held: Times | None = None) -> list[Span]:
        """The windows up to those that hold the latest row."""
        at = self.finishing()
        return [] if at is None else self.close(at, held)

    def close(self, watermark: int, held: Times | None = None) -> list[Span]:
        """Every window that ends at or before *watermark*, or those that hold one of *held*."""
        if self._next is None or self._next > watermark:
            return []
        count = (watermark - self._next) // self._spec.step + 1
        numbers: Sequence[int] = range(count) if held is None else self._occupied(held, count)
        spans = self._spans(numbers)
        self._trigger = self._next + (count - 1) * self._spec.step
        self._next = self._trigger + self._spec.step
        return spans

    def keep_from(self) -> int:
        """The least time that is still needed."""
        raise NotImplementedError

    def _spans(self, numbers: Sequence[int]) -> list[Span]:
        """The windows with these *numbers*, which count from the next one."""
        raise NotImplementedError

    def _ends(self, numbers: Sequence[int]) -> tuple[list[int], list[int]]:
        """The ends of the windows, and for each when the window before it ended."""
        assert self._next is not None
        step = self._spec.step
        ends = [self._next + number * step for number in numbers]
        previous = [end - step for end in ends]
        if numbers and numbers[0] == 0:
            previous[0] = self._trigger
        return ends, previous

    def _occupied(self, held: Times, count: int) -> list[int]:
        """Which of the next *count* windows hold a row, by number: every row lies in the windows from the first that
        ends after it to the last that begins at or before it."""
        assert self._next is not None
        step, keys = self._spec.step, np.unique(held[held >= self.keep_from()])
        first = np.maximum((keys - self._next) // step + 1, 0)
        last = np.minimum(self._last_with(keys), count - 1)
        first[1:] = np.maximum(first[1:], np.maximum.accumulate(last)[:-1] + 1)  # each window once
        sizes = np.maximum(last - first + 1, 0)
        before = np.cumsum(sizes) - sizes
        numbers: list[int] = (np.repeat(first - before, sizes) + np.arange(int(sizes.sum()))).tolist()
        return numbers

    def _last_with(self, keys: Times) -> Times:
        """For each of *keys* the number of the last window that begins at or before it, counted from the next one."""
        assert self._next is not None
        return (keys - self._next + self._spec.length) // self._spec.step


class TumblingWindows(_Aligned):
    """One window after the other.

    rows      . .  .  |.       |  . .. |
    spans    <--------><------><------->      everything since the span before
    """

    def __init__(self, spec: Tumbling) -> None:
        super().__init__(spec)
        self._first = True  # no window has ended yet

    def _spans(self, numbers: Sequence[int]) -> list[Span]:
        """A window starts when the one before it ended; the first of all takes what is older, too."""
        ends, previous = self._ends(numbers)
        lowers = [BEGINNING, *previous[1:]] if self._first and numbers and numbers[0] == 0 else previous
        self._first = False
        return list(map(Span, lowers, ends, _starts(previous, ends, self._spec.length), ends, ends))

    def _last_with(self, keys: Times) -> Times:
        """The one that ends after the row: the first of all has no beginning."""
        assert self._next is not None
        return np.maximum((keys - self._next) // self._spec.step + 1, 0)

    def keep_from(self) -> int:
        """The end of the last window."""
        return BEGINNING if self._first else self._trigger


class HoppingWindows(_Aligned):
    """Windows that overlap, or leave gaps.

    rows      . .  .   .          . ..
    spans    <---------->                     end - length <= time < end
                   <---------->
                         <---------->
    """

    def __init__(self, spec: Hopping) -> None:
        super().__init__(spec)

    def _spans(self, numbers: Sequence[int]) -> list[Span]:
        """A window starts one hop before the end of the one before it."""
        ends, previous = self._ends(numbers)
        length, step = self._spec.length, self._spec.step
        starts = _starts([at - step for at in previous], ends, length)
        return list(map(Span, [end - length for end in ends], ends, starts, ends, ends))

    def keep_from(self) -> int:
        """Where the rows of the next window begin."""
        return BEGINNING if self._next is None else self._next - self._spec.length


def _starts(starts: list[int], ends: list[int], length: int) -> list[int]:
    """What window_start() says: one that would lie at or before the epoch is counted from the window's end."""
    return [start if start > 0 else end - length for start, end in zip(starts, ends, strict=True)]


class CountWindows:
    """Windows of so many rows, whenever they come.

    rows      0 1 2 3 4 5 6 7
    spans    <----------->                    COUNTWINDOW(6, 2): at the 6th row, the 8th, the 10th …
                 <----------->
    """

    def __init__(self, spec: Count) -> None:
        self._spec = spec
        self._seen = 0
        self._recent: Times = np.empty(0, np.int64)  # the times of the rows that a span to come may begin with
        self._complete: list[Span] = []

    def start(self, at: int) -> None:
        """Nothing: only rows matter here."""

    def observe(self, times: Times) -> None:
        """Count the rows, and note the spans they complete."""
        if len(times) == 0:
            return
        length, every = self._spec.length, self._spec.every
        known = np.concatenate([self._recent, times])
        first = self._seen - len(self._recent)  # the ordinal of known[0]
        uppers = range(self._next_upper(), self._seen + len(times) + 1, every)
        if uppers:
            places = np.arange(uppers[0], uppers[-1] + 1, every) - first
            ends = known[places - 1].tolist()
            starts = known[places - length].tolist() if self._spec.from_first else ends
            lowers = range(uppers[0] - length, uppers[-1] - length + 1, every)
            self._complete.extend(map(Span, lowers, uppers, starts, ends, ends))
        self._seen += len(times)
        self._recent = known[max(self._next_upper() - length - first, 0) :]

    def close(self, watermark: int, held: Times | None = None) -> list[Span]:
        """Every span that has all its rows, whatever the watermark; none is ever empty."""
        spans, self._complete = self._complete, []
        return spans

    def finish(self, held: Times | None = None) -> list[Span]:
        """The complete spans: a count window that lacks rows never is one."""
        return self.close(BEGINNING)

    def finishing(self) -> int | None:
        """None: time alone completes nothing."""
        return None

    def due(self) -> int | None:
        """None: time alone completes nothing."""
        return None

    def keep_from(self) -> int:
        """The ordinal at which the oldest span to come begins."""
        return self._complete[0].lower if self._complete else self._next_upper() - self._spec.length

    def _next_upper(self) -> int:
        """How many rows there will be when the next span is complete."""
        every = self._spec.every
        beyond = (self._seen // every + 1) * every
        enough = -(-self._spec.length // every) * every
        return max(beyond, enough)
