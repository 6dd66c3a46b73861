"""A thousand events a second, each with the moment it was pushed and the moment its row was there.

Runs in a kernel. Events are pushed by a thread of their own, at the times they are due; those it is late for follow at
once, so that what holds up everything is not left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import Any

from kuiper_nb import Session

RATE = 1_000
EVENTS = 8_000
WARM_UP = 1_000

Row = dict[str, Any]
_STREAM = 'CREATE STREAM pulse (n BIGINT, value FLOAT) WITH (TYPE="memory", DATASOURCE="pulse", FORMAT="json")'
_SELECT = "SELECT n, value * 1.8 + 32 AS f FROM pulse WHERE value > 20"


class Pulse:
    """One run: *push* takes an event, and `arrived` is called with the rows made of it."""

    def __init__(self) -> None:
        self._pushed = [0] * (WARM_UP + EVENTS)
        self._there = [0] * (WARM_UP + EVENTS)
        self._thread: Thread | None = None

    def arrived(self, rows: list[Row]) -> None:
        """These rows are there now."""
        now = time.perf_counter_ns()
        for row in rows:
            self._there[int(row["n"])] = now

    def start(self, push: Callable[[Row], None]) -> None:
        """Push events from now on."""
        self._thread = Thread(target=self._feed, args=(push,))
        self._thread.start()

    @property
    def beating(self) -> bool:
        """Whether events are still pushed."""
        return self._thread is not None and self._thread.is_alive()

    def delays(self) -> list[float]:
        """How long each event took, in ms, those of the warm-up left out; RuntimeError when one is missing."""
        assert self._thread is not None
        self._thread.join()
        while not self._there[-1]:
            time.sleep(0.01)
        if 0 in self._there:
            raise RuntimeError(f"{self._there.count(0)} events never came out")
        both = zip(self._pushed[WARM_UP:], self._there[WARM_UP:], strict=True)
        return [(there - pushed) / 1e6 for pushed, there in both]

    def _feed(self, push: Callable[[Row], None]) -> None:
        began = time.perf_counter()
        for n in range(WARM_UP + EVENTS):
            while (ahead := began + n / RATE - time.perf_counter()) > 0:
                time.sleep(ahead)
            self._pushed[n] = time.perf_counter_ns()
            push({"n": n, "value": 25.0})


@contextmanager
def ours() -> Iterator[Pulse]:
    """A rule; a sink looks when its rows are in `rule.emits`, where they are just before."""
    pulse = Pulse()
    with Session() as session:
        session.sql(_STREAM)
        session.sink(pulse.arrived, name="arrived")
        session.rule(_SELECT, actions=[{"arrived": {}}])
        pulse.start(lambda event: session.push("pulse", event))
        yield pulse


@contextmanager
def by_hand() -> Iterator[Pulse]:
    """A thread that waits at a queue."""
    pulse = Pulse()
    waiting: SimpleQueue[Row | None] = SimpleQueue()

    def loop() -> None:
        while (event := waiting.get()) is not None:
            if event["value"] > 20:
                pulse.arrived([{"n": event["n"], "f": event["value"] * 1.8 + 32}])

    thread = Thread(target=loop)
    thread.start()
    pulse.start(waiting.put)
    yield pulse
    waiting.put(None)
    thread.join()
