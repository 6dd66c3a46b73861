"""Frames for a view: the newest only, when the last was shown, small, and at most four a second."""

from __future__ import annotations

import json
from contextvars import ContextVar, copy_context
from typing import Any

from kuiper_nb.notebook.feed import BEAT, LIMIT, PATIENCE, PERIOD, Feed, clean, fitted, size


class Wire:
    """A feed, what it has sent, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.feed = Feed(self.sent.append)
        self.now = 100.0

    def opened(self) -> Wire:
        self.feed.heard(self.now, copy_context())
        self.feed.hello()
        return self

    def turn(self, frame: dict[str, Any], after: float = PERIOD) -> int:
        """Time passes, something is new; how many messages there are then."""
        self.now += after
        if self.feed.ready(self.now):
            self.feed.offer(self.now, lambda share: frame)
        return len(self.sent)

    def shown(self) -> None:
        self.feed.heard(self.now, copy_context())
        self.feed.shown(self.sent[-1]["number"])


def test_a_view_nobody_has_opened_gets_nothing() -> None:
    wire = Wire()

    assert [wire.turn({"n": n}) for n in range(100)] == [0] * 100


def test_a_frame_that_was_not_shown_holds_up_the_next() -> None:
    wire = Wire().opened()

    assert [wire.turn({"n": n}) for n in range(20)] == [1] * 20

    wire.shown()
    wire.turn({"n": "newest"})
    assert [m["n"] for m in wire.sent] == [0, "newest"]


def test_there_are_at_most_four_frames_a_second() -> None:
    wire = Wire().opened()

    for n in range(1000):
        wire.turn({"n": n}, after=0.01)
        wire.shown()

    assert len(wire.sent) <= 10 * 4 + 1


def test_what_has_not_changed_is_only_a_sign_of_life_now_and_then() -> None:
    wire = Wire().opened()

    for _ in range(round(4 * BEAT) + 1):
        wire.turn({"n": 1})
        wire.shown()

    assert wire.sent == [{"number": 1, "n": 1}, {"number": 2}]


def test_a_view_that_is_silent_for_long_is_asleep_until_it_says_something() -> None:
    wire = Wire().opened()
    wire.turn({"n": 1})

    wire.turn({"n": 2}, after=PATIENCE + 1)
    asleep = wire.feed.awake
    wire.opened()

    assert (asleep, wire.turn({"n": 3})) == (False, 2)
    assert wire.sent[-1] == {"number": 2, "n": 3}


def test_a_page_that_is_loaded_anew_gets_everything_again() -> None:
    wire = Wire().opened()
    wire.turn({"n": 1})

    wire.opened()
    wire.turn({"n": 1})

    assert [m.get("n") for m in wire.sent] == [1, 1]


def test_frames_that_are_never_shown_while_somebody_asks_again_and_again_are_lost() -> None:
    wire = Wire().opened()
    found = []

    for _ in range(4):
        wire.turn({"n": wire.now})
        wire.now += 5
        wire.opened()
        found.append(wire.feed.lost)
    wire.shown()

    assert (found, wire.feed.lost) == ([False, True, True, True], False)


def test_frames_that_are_late_because_several_views_open_at_once_are_not_lost() -> None:
    wire = Wire().opened()
    wire.turn({"n": 1})

    for _ in range(10):
        wire.opened()

    assert not wire.feed.lost


def test_what_is_said_goes_out_in_the_context_of_what_was_heard() -> None:
    channel: ContextVar[str] = ContextVar("channel", default="none")
    seen: list[str] = []
    feed = Feed(lambda message: seen.append(channel.get()))
    context = copy_context()
    context.run(channel.set, "subshell")

    feed.heard(0, context)
    feed.offer(0, lambda share: {"n": 1})

    assert seen == ["subshell"]


def test_a_frame_that_is_too_large_has_fewer_rows() -> None:
    frame = fitted(lambda share: {"rows": ["x" * 100] * round(10_000 * share)})

    assert 0 < len(frame["rows"]) < 10_000
    assert size(frame) <= LIMIT


def test_a_frame_that_fits_in_no_way_says_so() -> None:
    assert fitted(lambda share: {"head": {"id": "a"}, "row": "x" * LIMIT}) == {"head": {"id": "a"}, "too_large": True}
    assert fitted(lambda share: {"head": "x" * LIMIT}) == {"too_large": True}


def test_halves_of_characters_do_not_break_the_wire() -> None:
    frame = clean({"text": "a\ud800b", "é": "ü"})

    assert frame == {"text": "a?b", "é": "ü"}
    assert json.dumps(frame, ensure_ascii=False).encode("utf-8")
