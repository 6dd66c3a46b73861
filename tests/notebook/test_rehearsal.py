"""Pieces of work done in a loop that has nothing else to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kuiper_nb.notebook.rehearsal import AFTER, BREATH, Rehearsal


class Pieces:
    """Three pieces, which note that they were done; a fourth that fails."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def __iter__(self) -> Iterator[None]:
        for number in (1, 2, 3):
            self.done.append(number)
            yield
        raise ImportError("there is no such thing")


async def _later(seconds: float) -> None:
    """When everything that was due by then has been done."""
    loop, then = asyncio.get_running_loop(), asyncio.Event()
    loop.call_later(seconds, then.set)
    await then.wait()


def run_apart(kernel: Callable[[], Coroutine[Any, Any, list[int]]]) -> list[int]:
    """Run it in a loop of a thread of its own: in this one there may be that of a browser."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(kernel(), debug=True)).result()


def test_the_pieces_are_done_one_after_the_other_and_one_that_fails_ends_it_in_silence() -> None:
    pieces = Pieces()
    rehearsal = Rehearsal(iter(pieces))

    async def kernel() -> list[int]:
        rehearsal.begin()
        at_once = list(pieces.done)
        await _later(AFTER + 10 * BREATH)
        return at_once

    assert run_apart(kernel) == []
    assert pieces.done == [1, 2, 3]
    assert rehearsal.over


def test_what_is_ended_goes_on_when_it_is_begun_anew() -> None:
    pieces = Pieces()
    rehearsal = Rehearsal(iter(pieces))

    async def kernel() -> list[int]:
        rehearsal.begin()
        rehearsal.end()
        await _later(AFTER + 10 * BREATH)
        before = list(pieces.done)
        rehearsal.begin()
        await _later(AFTER + 10 * BREATH)
        return before

    assert run_apart(kernel) == []
    assert pieces.done == [1, 2, 3]


def test_where_no_loop_runs_nothing_happens() -> None:
    pieces = Pieces()

    Rehearsal(iter(pieces)).begin()

    assert pieces.done == []
