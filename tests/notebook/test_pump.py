"""The thread behind the views: it begins with the first, ends after the last, and takes no view down with another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import Context
from typing import Any

import pytest

from kuiper_nb.notebook.pump import Pump

SOON = 10


class Recorder:
    """Something to watch, which says what happened to it."""

    def __init__(self, *, turns: int = 1) -> None:
        self.messages: list[dict[str, Any]] = []
        self.threads: set[str] = set()
        self.ended = False
        self.heard = threading.Event()
        self.turned = threading.Event()
        self.news = threading.Event()
        self._left = turns

    def take(self, message: dict[str, Any], context: Context, now: float) -> None:
        self.messages.append(message)
        self.threads.add(threading.current_thread().name)
        self.heard.set()

    def turn(self, now: float) -> bool:
        self.threads.add(threading.current_thread().name)
        self._left -= 1
        self.turned.set()
        return True

    def stirred(self, now: float) -> bool:
        return self.news.is_set()

    @property
    def over(self) -> bool:
        return self._left <= 0

    def end(self) -> None:
        self.ended = True


class Broken(Recorder):
    """A view that always fails."""

    def turn(self, now: float) -> bool:
        super().turn(now)
        raise RuntimeError(f"broken {id(self)}")


@pytest.fixture
def pump() -> Iterator[Pump]:
    made = Pump()
    yield made
    made.close()
    assert not made.threaded


def test_it_has_no_thread_before_there_is_something_to_watch(pump: Pump) -> None:
    assert not pump.threaded


def test_what_stirs_has_its_turn_at_once() -> None:
    pump = Pump(clock=lambda: 0.0)  # by which no second turn ever comes
    view = Recorder(turns=2)
    pump.watch(view)
    thread = pump._thread
    assert view.turned.wait(SOON)
    view.turned.clear()
    view.news.set()

    assert view.turned.wait(SOON)
    assert thread is not None
    thread.join(SOON)
    assert not thread.is_alive()


def test_its_thread_ends_when_nothing_is_left_to_watch(pump: Pump) -> None:
    view = Recorder()
    pump.watch(view)
    thread = pump._thread

    assert view.turned.wait(SOON)
    assert thread is not None
    thread.join(SOON)

    assert (pump.threaded, view.threads) == (False, {"kuiper views"})


def test_a_message_is_taken_in_its_thread_whoever_sends_it(pump: Pump) -> None:
    view = Recorder()

    pump.post(view, {"hello": True})

    assert view.heard.wait(SOON)
    assert (view.messages, view.threads) == ([{"hello": True}], {"kuiper views"})


def test_a_view_that_is_asleep_is_woken_by_a_message(pump: Pump) -> None:
    view = Recorder()
    pump.watch(view)
    thread = pump._thread
    assert thread is not None
    thread.join(SOON)

    pump.post(view, {"hello": True})

    assert view.heard.wait(SOON)


def test_a_view_that_fails_leaves_the_others_alone(pump: Pump, caplog: pytest.LogCaptureFixture) -> None:
    broken, view = Broken(turns=2), Recorder(turns=2)
    pump.watch(broken)
    pump.watch(view)

    assert view.turned.wait(SOON)
    assert broken.turned.wait(SOON)
    pump.close()
    assert caplog.text.count("a view failed") == 1


def test_closing_ends_every_view_and_the_thread(pump: Pump) -> None:
    view = Recorder(turns=10**9)
    pump.watch(view)
    assert view.turned.wait(SOON)

    pump.close()

    assert (view.ended, pump.threaded) == (True, False)
