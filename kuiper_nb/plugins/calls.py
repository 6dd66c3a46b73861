"""Calls that wait for their answers: made by any thread, several at once; one of those who wait reads for all."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from .channel import Channel, Gone
from .peer import Lost
from .wire import Buffer, Message, Refused

GRACE = 0.2
"""Seconds in which a process whose connection is gone may turn out to have ended."""


_LOOK = 0.25
"""Seconds after which to look whether somebody has given up, if there is no other reason to."""


class Pending:
    """A call on its way."""

    __slots__ = ("answer", "id")

    def __init__(self, id: int) -> None:
        self.id = id
        self.answer: Message | None = None


class Calls:
    """The calls of one process over *channel*.

    *lost* says why the process is not there any more, '' if it is still after so many seconds.
    """

    def __init__(self, channel: Channel, lost: Callable[[float], str]) -> None:
        self._channel = channel
        self._lost = lost
        self._ids = count(1)
        self._waiting: dict[int, Pending] = {}
        self._reader = threading.Lock()
        self._changed = threading.Condition()
        self._given_up = ""
        self._poll = select.poll()
        self.watch(channel.fileno)

    def watch(self, descriptor: int) -> None:
        """Look up from waiting when *descriptor* is readable, which may mean that the process has ended."""
        self._poll.register(descriptor, select.POLLIN)

    def ask(self, kind: str, fields: Mapping[str, Any], payload: Sequence[Buffer]) -> Pending:
        """Send a call. Raises Lost."""
        pending = Pending(next(self._ids))
        with self._channel.lock:
            self._waiting[pending.id] = pending
            try:
                self._channel.send(kind, {"id": pending.id, **fields}, payload)
                self._take()  # sending may have swallowed the sign that something had come
            except (Gone, Refused) as why:
                self._waiting.pop(pending.id, None)
                raise Lost(self._lost(GRACE) or str(why)) from None
        return pending

    def answer(self, pending: Pending, deadline: float) -> Message:
        """Wait for the answer. Raises Lost, and TimeoutError when *deadline* (monotonic seconds) has passed."""
        try:
            while pending.answer is None:
                if why := self._given_up or self._lost(0):
                    raise Lost(why)
                if time.monotonic() >= deadline:
                    raise TimeoutError
                if self._reader.acquire(blocking=False):
                    try:
                        self._read(pending, deadline)
                    finally:
                        self._reader.release()
                        with self._changed:
                            self._changed.notify_all()
                else:
                    self._wait(pending, deadline)
        finally:
            self._waiting.pop(pending.id, None)
        return pending.answer

    def give_up(self, why: str) -> None:
        """Nobody will be answered any more."""
        self._given_up = self._given_up or why
        with self._changed:
            self._changed.notify_all()

    def _wait(self, pending: Pending, deadline: float) -> None:
        """Until the one who reads has found the answer, or reads no more."""
        with self._changed:
            self._changed.wait_for(
                lambda: pending.answer is not None or bool(self._given_up) or not self._reader.locked(),
                max(deadline - time.monotonic(), 0),
            )

    def _read(self, pending: Pending, deadline: float) -> None:
        while pending.answer is None and not self._given_up and not self._lost(0):
            with self._channel.lock:
                try:
                    self._take()
                    more = self._channel.readable
                except Refused as why:
                    self.give_up(f"it sent what is no message: {why}")
                    return
            if pending.answer is not None:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._poll.poll(0 if more else min(left, _LOOK) * 1000)

    def _take(self) -> None:
        """Hand out what has come."""
        while (message := self._channel.receive()) is not None:
            pending = self._waiting.get(message.get("id", 0))
            if pending is not None and message.kind == "answer":
                pending.answer = message
                with self._changed:
                    self._changed.notify_all()
