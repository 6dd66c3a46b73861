"""Where the first window ends: whole units after the start of the next larger one, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kuiper_nb.windowing.spec import Count, Hopping, Tumbling, Unit, aligned_first_end


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("spec", "at", "end"),
    [
        # less than the window since the start of the larger unit: one window after that start
        (Tumbling(Unit.SS, 10), "2024-03-05 10:00:03.500", "2024-03-05 10:00:10"),
        (Tumbling(Unit.SS, 90), "2024-03-05 10:00:59", "2024-03-05 10:01:30"),
        (Tumbling(Unit.MI, 7), "2024-03-05 10:03:10", "2024-03-05 10:07:00"),
        # more: the next multiple
        (Tumbling(Unit.SS, 7), "2024-03-05 10:00:50.010", "2024-03-05 10:00:56"),
        (Tumbling(Unit.MS, 300), "2024-03-05 10:00:00.680", "2024-03-05 10:00:00.900"),
        (Tumbling(Unit.HH, 5), "2024-03-05 11:20:00", "2024-03-05 15:00:00"),
        # twice the window exactly: the next multiple is strictly later
        (Tumbling(Unit.SS, 10), "2024-03-05 10:00:20", "2024-03-05 10:00:30"),
        # the window exactly: an end that is not later
        (Tumbling(Unit.SS, 10), "2024-03-05 10:00:10", "2024-03-05 10:00:10"),
        (Tumbling(Unit.SS, 10), "2024-03-05 10:00:10.999", "2024-03-05 10:00:10"),
        # the last multiple of a minute reaches into the next
        (Tumbling(Unit.SS, 7), "2024-03-05 10:00:59", "2024-03-05 10:01:03"),
        # hours and days count from midnight
        (Tumbling(Unit.HH, 24), "2024-03-05 13:15:00", "2024-03-06 00:00:00"),
        (Tumbling(Unit.HH, 30), "2024-03-05 13:15:00", "2024-03-06 06:00:00"),
        (Tumbling(Unit.DD, 1), "2024-03-05 13:15:00", "2024-03-06 00:00:00"),
        (Tumbling(Unit.DD, 3), "2024-03-05 00:00:00", "2024-03-08 00:00:00"),
        # a hopping window aligns on its hop, however long it is
        (Hopping(Unit.SS, 10, 3), "2024-03-05 10:00:04", "2024-03-05 10:00:06"),
        (Hopping(Unit.SS, 1, 20), "2024-03-05 10:00:04", "2024-03-05 10:00:20"),
    ],
)
def test_the_first_end_is_aligned_on_the_larger_unit(spec, at, end):
    assert aligned_first_end(spec, ms(at)) == ms(end)


def test_lengths_and_steps_are_milliseconds():
    lengths = [Tumbling(Unit(u), 2).length for u in ("DD", "HH", "MI", "SS", "MS")]

    assert lengths == [172_800_000, 7_200_000, 120_000, 2_000, 2]
    assert (Hopping(Unit.SS, 10, 3).length, Hopping(Unit.SS, 10, 3).step) == (10_000, 3_000)


def test_a_count_window_without_an_interval_advances_by_its_length_and_with_a_negative_one_by_a_row():
    assert [Count(5).every, Count(5, 0).every, Count(5, 2).every, Count(5, -3).every] == [5, 5, 2, 1]
