"""A virtual clock moves when told to, and never back; the system's never goes back either."""

from __future__ import annotations

import time

import pytest

from kuiper_nb.errors import ClockError
from kuiper_nb.windowing.clock import SystemClock, VirtualClock


def test_a_virtual_clock_stands_still():
    clock = VirtualClock(1_541_152_486_000)

    assert (clock.virtual, clock.now(), clock.now()) == (True, 1_541_152_486_000, 1_541_152_486_000)


def test_a_virtual_clock_moves_to_where_it_is_told():
    clock = VirtualClock(1000)

    clock.move(1000)
    clock.move(1500)

    assert clock.now() == 1500


def test_a_virtual_clock_refuses_to_go_back_and_stays_where_it_is():
    clock = VirtualClock(1000)

    with pytest.raises(ClockError, match="stands at 1000 and cannot go back to 999"):
        clock.move(999)

    assert clock.now() == 1000


def test_the_system_clock_tells_the_time_in_milliseconds():
    clock = SystemClock()

    before, told, after = time.time_ns() // 1_000_000, clock.now(), time.time_ns() // 1_000_000

    assert not clock.virtual
    assert before <= told <= after


def test_the_system_clock_waits_where_it_is_when_someone_sets_it_back(monkeypatch):
    clock = SystemClock()
    readings = iter([5_000_000, 3_000_000, 6_000_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(readings))

    assert [clock.now(), clock.now(), clock.now()] == [5, 5, 6]
