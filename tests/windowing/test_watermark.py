"""Which rows are late, which go on, and which arrival let them."""

from __future__ import annotations

import numpy as np

from kuiper_nb.windowing.clock import VirtualClock
from kuiper_nb.windowing.watermark import EventTime, ProcessingTime, release
from kuiper_nb.windowing.windows import BEGINNING


def times(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_a_row_is_late_when_the_rows_before_it_have_moved_the_watermark_past_it():
    #         9 - 3 = 6     4 < 6
    answer = EventTime(3).admit(times(5, 9, 6, 4, 12, 8))

    assert answer.late.tolist() == [False, False, False, True, False, True]
    assert answer.watermarks.tolist() == [2, 6, 6, 6, 9, 9]


def test_a_row_goes_on_once_the_watermark_reaches_it_and_one_exactly_there_at_the_next_move():
    answer = EventTime(3).admit(times(5, 9, 6, 12))

    assert answer.releases.tolist() == [5, 9, 7, 12]
    assert answer.moved_by(answer.releases).tolist() == [1, 3, 3, 4]


def test_without_tolerance_a_row_that_leads_goes_on_at_once_and_a_tie_waits():
    event_time = EventTime(0)
    arrivals = times(100, 200, 200, 300)

    answer = event_time.admit(arrivals)

    assert answer.moved_by(answer.releases).tolist() == [0, 1, 3, 3]
    assert event_time.at == 300


def test_the_first_row_is_never_late_not_even_before_the_epoch():
    answer = EventTime(0).admit(times(-7, -8, 0))

    assert answer.late.tolist() == [False, True, False]


def test_there_is_no_watermark_before_every_stream_has_spoken():
    event_time = EventTime(0, streams=2)

    answer = event_time.admit(times(100, 5100, 4000, 5200, 3000), np.array([0, 0, 1, 1, 0]))

    assert answer.watermarks.tolist() == [BEGINNING, BEGINNING, 4000, 5100, 5100]
    assert answer.late.tolist() == [False, False, False, False, True]
    assert answer.moved_by(answer.releases).tolist()[:4] == [2, 3, 2, 5]


def test_a_batch_without_rows_changes_nothing():
    event_time = EventTime(0)
    event_time.admit(times(7))

    answer = event_time.admit(times())

    assert (len(answer.late), event_time.at) == (0, 7)


def test_rows_that_go_on_are_sorted_by_time_and_ties_keep_the_order_of_arrival():
    waiting = times(30, 10, 20, 10, 40)

    now, later = release(waiting, waiting, 20)

    assert (now.tolist(), later.tolist()) == ([1, 3, 2], [0, 4])


def test_in_processing_time_the_clock_is_the_watermark_and_every_row_goes_on():
    clock = VirtualClock(1000)
    processing_time = ProcessingTime(clock)
    clock.move(1500)

    answer = processing_time.admit(times(1400, 1500))

    assert processing_time.at == 1500
    assert answer.late.tolist() == [False, False]
    assert release(times(1400, 1500), answer.releases, 1500)[0].tolist() == [0, 1]
