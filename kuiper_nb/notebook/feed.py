"""What goes from the kernel to one view: always the newest frame only, and only when the last one has been shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import Context
from typing import Any

Frame = dict[str, Any]

PERIOD = 0.25
"""Seconds between two frames: at most four a second."""
LIMIT = 64 * 1024
"""The most bytes of a frame, as JSON."""
BEAT = 2.0
"""Seconds after which a frame goes out although nothing changed, so that a view can tell quiet from gone."""
PATIENCE = 30.0
"""Seconds after which a view that acknowledges nothing is asleep, until it says something again."""
_UNANSWERED = 2
"""How often a view says hello after a frame that it has not shown, until frames are taken not to arrive."""
_ON_THE_WAY = 2.0
"""Seconds that a frame may be on its way, at least."""

_SHARES = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.0)
_ENVELOPE = 256


class Feed:
    """Frames for one view. Only the pump's thread calls it; *send* puts a message on the wire.

    *awake*: somebody looks. *frames* counts what went out; *last* is the newest of them.
    """

    def __init__(self, send: Callable[[Frame], None]) -> None:
        self.awake = False
        self.frames = 0
        self.last: Frame = {}
        self._send = send
        self._context: Context | None = None
        self._number = 0
        self._shown = 0
        self._sent_at = float("-inf")
        self._heard_at = float("-inf")
        self._whole = True
        self._missed = 0

    def heard(self, now: float, context: Context) -> None:
        """The view said something, so somebody looks at it.

        What goes out in the *context* of its message is answered on the channel it came by, which may be free while
        a cell runs.
        """
        self.awake, self._heard_at, self._context = True, now, context

    def hello(self) -> None:
        """A view has been opened (or the page loaded anew), or has had nothing for long: it has nothing yet."""
        if self._shown < self._number and self._heard_at - self._sent_at >= _ON_THE_WAY:
            self._missed += 1
        self._shown, self._whole = self._number, True

    def shown(self, number: int) -> None:
        """The view has shown the frame of this *number*."""
        self._shown = max(self._shown, min(number, self._number))
        self._missed = 0

    @property
    def lost(self) -> bool:
        """Whether somebody looks, and nothing arrives: some front ends drop what comes while no cell runs."""
        return self._missed >= _UNANSWERED

    def ready(self, now: float) -> bool:
        """Whether a frame may go out: somebody looks, has shown the last one, and that is a while ago."""
        if self.awake and now - self._heard_at > PATIENCE:
            self.awake = False
        return self.awake and self._shown >= self._number and now - self._sent_at >= PERIOD

    def offer(self, now: float, build: Callable[[float], Frame]) -> None:
        """Send what *build* makes for a share (0 to 1) of the rows, as many as fit; only a sign of life when that is
        what the view has already."""
        frame = fitted(build)
        if frame != self.last or self._whole:
            self.last, self._whole = frame, False
            self._put(now, frame)
        elif now - self._sent_at >= BEAT:
            self._put(now, {})

    def _put(self, now: float, frame: Frame) -> None:
        self._number += 1
        self._sent_at = now
        self.frames += 1
        self._say({"number": self._number, **frame})

    def tell(self, message: Frame) -> None:
        """Something beside the frames, that comes once and is not acknowledged; to a page, if there ever was one."""
        if self._context is not None:
            self._say(message)

    def _say(self, message: Frame) -> None:
        if self._context is None:
            self._send(message)
        else:
            self._context.run(self._send, message)


def fitted(build: Callable[[float], Frame]) -> Frame:
    """What *build* makes of the largest share of the rows that fits into a frame."""
    frame: Frame = {}
    for share in _SHARES:
        frame = clean(build(share))
        if size(frame) <= LIMIT - _ENVELOPE:
            return frame
    rest: Frame = {"head": frame["head"], "too_large": True} if "head" in frame else {"too_large": True}
    return rest if size(rest) <= LIMIT - _ENVELOPE else {"too_large": True}


def clean(frame: Frame) -> Frame:
    """*frame* with a mark in place of halves of characters, which no message can hold."""
    text = json.dumps(frame, ensure_ascii=False)
    if text.isascii():
        return frame
    cleaned: Frame = json.loads(text.encode("utf-8", "replace"))
    return cleaned


def size(frame: Frame) -> int:
    """How many bytes a frame is on the wire."""
    return len(json.dumps(frame, ensure_ascii=False).encode("utf-8"))
