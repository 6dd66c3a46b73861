"""User code is broken off only where it is user code."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from kuiper_nb.functions.guard import Guard, Stopped, current, guarded

PATIENCE = 20


def begun(guard: Guard, call: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """A thread that works for *guard* and calls *call*; what it ended in."""
    ended: list[BaseException] = []

    def run() -> None:
        try:
            with guard.watch():
                call()
        except BaseException as error:
            guard.calm()
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, ended


def test_an_endless_loop_is_broken_off_where_it_is() -> None:
    guard, entered = Guard(), threading.Event()

    def endless() -> None:
        entered.set()
        while True:
            pass

    thread, ended = begun(guard, guarded("function endless", endless))
    assert entered.wait(PATIENCE)

    assert guard.break_off() is True
    thread.join(PATIENCE)

    assert [type(error) for error in ended] == [Stopped]
    assert (guard.what, guard.inside) == ("function endless", False)
    assert guard.broken_at.startswith(f"{__file__}:")


def test_an_except_exception_does_not_swallow_it() -> None:
    guard, entered = Guard(), threading.Event()

    def endless() -> None:
        while True:
            try:
                entered.set()
                while True:
                    pass
            except Exception:
                pass

    thread, ended = begun(guard, guarded("function endless", endless))
    assert entered.wait(PATIENCE)
    guard.break_off()
    thread.join(PATIENCE)

    assert [type(error) for error in ended] == [Stopped]


def test_nothing_is_raised_outside_user_code() -> None:
    guard, entered, go = Guard(), threading.Event(), threading.Event()

    def own_work() -> None:
        entered.set()
        for _ in range(100):
            go.wait(0.001)

    thread, ended = begun(guard, own_work)
    assert entered.wait(PATIENCE)

    assert guard.break_off() is False
    thread.join(PATIENCE)

    assert ended == []


def test_what_is_raised_in_the_last_moment_never_gets_out() -> None:
    guard, stop = Guard(), threading.Event()
    counted: list[int] = []

    def many() -> None:
        call = guarded("function short", lambda: None)
        for _ in range(2_000):
            try:
                call()
            except Stopped:
                guard.calm()
            counted.append(len(counted))  # were something raised here, the thread would end

    thread, ended = begun(guard, many)
    while thread.is_alive() and not stop.is_set():
        guard.break_off()
    thread.join(PATIENCE)

    assert (ended, len(counted)) == ([], 2_000)


def test_what_returns_to_nobody_is_thrown_away() -> None:
    guard, entered, go = Guard(), threading.Event(), threading.Event()
    answered: list[bool] = []

    def late() -> bool:
        entered.set()
        return go.wait(PATIENCE)

    thread, ended = begun(guard, lambda: answered.append(guarded("function late", late)()))
    assert entered.wait(PATIENCE)
    guard.lost = True
    go.set()
    thread.join(PATIENCE)

    assert (answered, [type(error) for error in ended]) == ([], [Stopped])


def test_the_guard_of_an_outer_rule_rests_while_an_inner_one_works() -> None:
    outer, inner = Guard(), Guard()
    inside: list[tuple[bool, bool]] = []

    def pushes() -> None:
        with inner.watch():
            inside.append((outer.inside, current() is inner))
        inside.append((outer.inside, current() is outer))

    with outer.watch():
        guarded("sink pushes", pushes)()

    assert inside == [(False, True), (True, True)]


def test_without_a_rule_a_guarded_call_is_a_call() -> None:
    assert guarded("function sum", sum)([1, 2]) == 3
    with pytest.raises(ZeroDivisionError):
        guarded("function div", lambda: 1 / 0)()


def test_a_run_that_nobody_waits_for_calls_no_user_code_any_more() -> None:
    guard = Guard()
    called: list[int] = []

    guard.lost = True
    thread, ended = begun(guard, guarded("function f", lambda: called.append(1)))
    thread.join(PATIENCE)

    assert ([type(error) for error in ended], called) == ([Stopped], [])
