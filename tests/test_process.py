"""A setting of the process is changed by the first who needs it and put back by the last."""

from __future__ import annotations

import sys
import threading

import pytest

from kuiper_nb.process import ProcessSetting
from kuiper_nb.sql.depth import deep


class Setting:
    def __init__(self, value: int) -> None:
        self.value = value
        self.written: list[int] = []

    def write(self, value: int) -> None:
        self.value = value
        self.written.append(value)


def test_it_is_changed_once_and_put_back_when_nobody_needs_it_any_more() -> None:
    setting = Setting(5)
    tenfold = ProcessSetting(lambda: setting.value, setting.write, lambda before: before * 10)

    with tenfold.needed():
        with tenfold.needed():
            inside = setting.value
        between = setting.value

    assert (inside, between, setting.value, setting.written) == (50, 50, 5, [50, 5])


def test_an_error_puts_it_back_too_and_the_next_begins_with_what_there_is_then() -> None:
    setting = Setting(5)
    tenfold = ProcessSetting(lambda: setting.value, setting.write, lambda before: before * 10)

    with pytest.raises(ValueError, match="inside"), tenfold.needed():
        raise ValueError("inside")
    setting.value = 7
    with tenfold.needed():
        assert setting.value == 70

    assert setting.value == 7


def test_threads_share_it() -> None:
    setting = Setting(5)
    tenfold = ProcessSetting(lambda: setting.value, setting.write, lambda before: before * 10)
    entered, leave = threading.Event(), threading.Event()

    def need() -> None:
        with tenfold.needed():
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=need)
    thread.start()
    entered.wait(20)
    with tenfold.needed():
        pass
    held = setting.value
    leave.set()
    thread.join(20)

    assert (held, setting.value, setting.written) == (50, 5, [50, 5])


def test_the_limit_of_recursion_is_as_it_was_after_a_statement() -> None:
    before = sys.getrecursionlimit()

    with deep():
        within = sys.getrecursionlimit()

    assert (within > before or within >= 8000, sys.getrecursionlimit()) == (True, before)
