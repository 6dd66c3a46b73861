"""Which spans are finished, when, and what their window functions say."""

from __future__ import annotations

import numpy as np

from kuiper_nb.windowing.spec import Count, Hopping, Tumbling, Unit
from kuiper_nb.windowing.windows import BEGINNING, Span, Windows, windows

NOON = 1_709_640_000_000  # 2024-03-05 12:00:00


def at_noon(spec, after: int = 0) -> Windows:
    machine = windows(spec)
    machine.start(NOON + after)
    return machine


def see(machine: Windows, *times: int) -> None:
    machine.observe(np.array(times, np.int64))


def since_noon(spans: list[Span]) -> list[tuple[int, ...]]:
    return [tuple(value if value == BEGINNING else value - NOON for value in span) for span in spans]


def test_a_tumbling_window_takes_everything_since_the_one_before():
    machine = at_noon(Tumbling(Unit.SS, 2), after=300)

    spans = machine.close(NOON + 4999)

    assert since_noon(spans) == [(BEGINNING, 2000, 300, 2000, 2000), (2000, 4000, 2000, 4000, 4000)]


def test_a_window_is_taken_out_once():
    machine = at_noon(Tumbling(Unit.SS, 2))

    taken = [len(machine.close(NOON + at)) for at in (1999, 2000, 2000, 3999, 8000)]

    assert taken == [0, 1, 0, 0, 3]


def test_a_rule_that_starts_on_an_end_has_an_empty_window_that_is_due_at_once():
    machine = at_noon(Tumbling(Unit.SS, 10), after=10_500)

    due, spans, then = machine.due(), machine.close(NOON + 10_500), machine.due()

    assert (due, then) == (NOON + 10_000, NOON + 20_000)
    assert since_noon(spans) == [(BEGINNING, 10_000, 10_500, 10_000, 10_000)]


def test_in_event_time_the_first_row_aligns():
    machine = windows(Tumbling(Unit.SS, 1))

    before = (machine.due(), machine.close(NOON))
    see(machine, NOON + 500, NOON + 900, NOON + 2100)
    spans = machine.close(NOON + 2100)

    assert before == (None, [])
    assert since_noon(spans) == [(BEGINNING, 1000, 500, 1000, 1000), (1000, 2000, 1000, 2000, 2000)]


def test_a_first_row_on_the_boundary_makes_an_empty_window_that_starts_and_ends_there():
    machine = windows(Tumbling(Unit.SS, 1))

    see(machine, NOON + 1000)

    assert since_noon(machine.close(NOON + 1000)) == [(BEGINNING, 1000, 1000, 1000, 1000)]


def test_a_batch_without_rows_aligns_nothing():
    machine = windows(Hopping(Unit.SS, 4, 2))

    see(machine)

    assert (machine.due(), machine.keep_from(), machine.finish()) == (None, BEGINNING, [])


def test_hopping_windows_overlap_and_start_one_hop_before_the_end_of_the_one_before():
    machine = at_noon(Hopping(Unit.SS, 4, 2), after=370)

    spans = machine.close(NOON + 6000)

    assert since_noon(spans) == [
        (-2000, 2000, -1630, 2000, 2000),
        (0, 4000, 0, 4000, 4000),
        (2000, 6000, 2000, 6000, 6000),
    ]


def test_a_hop_longer_than_the_window_leaves_rows_out():
    machine = at_noon(Hopping(Unit.SS, 1, 3))

    spans = machine.close(NOON + 6000)

    assert since_noon(spans) == [(2000, 3000, -3000, 3000, 3000), (5000, 6000, 0, 6000, 6000)]


def test_a_start_before_the_epoch_is_counted_from_the_end():
    machine = windows(Hopping(Unit.SS, 2, 1))
    machine.start(400)

    starts = [span.start for span in machine.close(4000)]

    assert starts == [-1000, 0, 1000, 2000]


def test_rows_are_kept_as_long_as_a_window_to_come_needs_them():
    tumbling, hopping = at_noon(Tumbling(Unit.SS, 2)), at_noon(Hopping(Unit.SS, 4, 2))

    before = (tumbling.keep_from(), hopping.keep_from() - NOON)
    tumbling.close(NOON + 4500)
    hopping.close(NOON + 4500)

    assert before == (BEGINNING, -2000)
    assert (tumbling.keep_from() - NOON, hopping.keep_from() - NOON) == (4000, 2000)


def test_at_the_end_of_the_input_the_windows_that_hold_the_latest_row_come_out():
    tumbling, hopping = at_noon(Tumbling(Unit.SS, 2)), at_noon(Hopping(Unit.SS, 4, 2))
    see(tumbling, NOON + 100, NOON + 4000)
    see(hopping, NOON + 100, NOON + 4000)

    assert [span.end - NOON for span in tumbling.finish()] == [2000, 4000, 6000]
    assert [span.end - NOON for span in hopping.finish()] == [2000, 4000, 6000, 8000]


def test_a_gap_of_a_million_windows_is_passed_in_one_go():
    machine = at_noon(Tumbling(Unit.MS, 1))

    spans = machine.close(NOON + 1_000_000)

    assert len(spans) == 1_000_000
    assert since_noon(spans[-1:]) == [(999_999, 1_000_000, 999_999, 1_000_000, 1_000_000)]


def test_a_count_window_is_complete_with_its_last_row_and_says_that_rows_time():
    machine = windows(Count(3))

    see(machine, 10, 20)
    early = machine.close(10**9)
    see(machine, 30, 40, 50, 60, 70)

    assert early == []
    assert machine.close(0) == [Span(0, 3, 30, 30, 30), Span(3, 6, 60, 60, 60)]


def test_overlapping_count_windows_wait_until_there_are_enough_rows():
    machine = windows(Count(5, 2))

    see(machine, *range(1, 10))

    assert machine.close(0) == [Span(1, 6, 6, 6, 6), Span(3, 8, 8, 8, 8)]


def test_an_incremental_count_window_starts_at_its_first_row():
    machine = windows(Count(3, from_first=True))

    see(machine, 10, 20)
    see(machine, 30, 40)
    see(machine, 50, 60)

    assert machine.close(0) == [Span(0, 3, 10, 30, 30), Span(3, 6, 40, 60, 60)]


def test_a_count_window_keeps_the_rows_from_which_the_next_one_begins():
    machine = windows(Count(5, 2))

    see(machine, 1, 2, 3, 4, 5, 6)
    waiting = machine.keep_from()
    machine.close(0)

    assert (waiting, machine.keep_from(), machine.due()) == (1, 3, None)


def test_an_incomplete_count_window_is_never_finished():
    machine = windows(Count(3))

    see(machine, 1, 2, 3, 4)

    assert machine.finish() == [Span(0, 3, 3, 3, 3)]
    assert machine.finish() == []


def held(*times: int) -> np.ndarray:
    return np.array(times, np.int64)


def test_empty_windows_are_passed_over_and_the_others_are_as_they_would_have_been():
    machine = at_noon(Tumbling(Unit.SS, 1), after=300)
    far = NOON + 10**14

    spans = machine.close(far, held(NOON + 400, far - 500, far))

    assert since_noon(spans) == [
        (BEGINNING, 1000, 300, 1000, 1000),
        (10**14 - 1000, 10**14, 10**14 - 1000, 10**14, 10**14),
    ]
    assert (machine.due(), machine.keep_from()) == (far + 1000, far)


def test_a_row_of_overlapping_windows_keeps_all_of_them():
    machine = at_noon(Hopping(Unit.SS, 3, 1))

    spans = machine.close(NOON + 10**12, held(NOON + 5500, NOON + 6500))

    assert [span.end - NOON for span in spans] == [6000, 7000, 8000, 9000]


def test_a_row_between_two_windows_keeps_none():
    machine = at_noon(Hopping(Unit.SS, 1, 3))

    assert machine.close(NOON + 10**12, held(NOON + 3500)) == []
    assert machine.keep_from() > NOON + 3500


def test_the_end_of_the_input_is_a_leap_like_any_other():
    machine = at_noon(Tumbling(Unit.MS, 1))
    see(machine, NOON, NOON + 10**13)

    assert [span.lower for span in machine.finish(held(NOON, NOON + 10**13))] == [BEGINNING, NOON + 10**13]
