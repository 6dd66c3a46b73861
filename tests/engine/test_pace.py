"""How long steps take."""

from __future__ import annotations

from kuiper_nb.engine.emits import Newest
from kuiper_nb.engine.pace import Pace


def test_before_the_first_step_there_are_no_figures():
    assert Pace().quantiles() is None


def test_the_median_and_the_99th_percentile_are_of_the_newest_steps():
    pace = Pace(keep=100)
    for milliseconds in [1000] * 50 + list(range(1, 101)):
        pace.step(milliseconds / 1000)

    assert pace.quantiles() == (50, 99)


def test_the_newest_items_are_read_without_those_before():
    newest = Newest[int](keep=3)
    for item in range(5):
        newest.append(item)

    assert (newest.newest(2), newest.newest(9), newest.weight, newest.dropped) == ([3, 4], [2, 3, 4], 3, 2)
