"""What is said about windows is true."""

from __future__ import annotations

import pytest

from kuiper_nb.sql.windowhelp import WINDOWS, WindowHelp, here, joins, runs


@pytest.mark.parametrize("name", ["TUMBLINGWINDOW", "HOPPINGWINDOW", "COUNTWINDOW"])
def test_windows_that_run_are_offered(name: str) -> None:
    assert here(WINDOWS[name])


def test_whether_something_runs_is_asked_of_the_compiler() -> None:
    assert runs("SELECT a FROM a")
    assert runs("SELECT nonsense(a) FROM a")  # wrong, but not for want of support
    assert not runs("SELECT get_keyed_state(a, a, a) FROM a")
    assert joins() in (True, False)


def test_a_window_has_a_signature() -> None:
    assert WindowHelp("W", "unit, length", "", "").signature == "W(unit, length)"
