"""The two ends of a rule: the source it reads and the sinks it writes to, opened and closed together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from ..contracts import EndOfStream, Payload, Source
from ..errors import KuiperError
from .emits import Emit, RowError
from .halt import Closing, Note, close_aside, closed
from .outlet import Outlet
from .output import Message, Output
from .wiring import Wiring

Input = Literal["pushed", "bounded", "unbounded"]
Prepare = Callable[[Payload], Payload]
_MOST_PAYLOADS = 8192


class Ends:
    """What was pushed but not read when the source was closed is read first when it is open again. *separate*: every
    row is a message of its own. What *out* delivers goes to the sinks; it takes what fails there, *note* what does not
    close. A source that reads ahead may *prepare* what it has read."""

    def __init__(self, wiring: Wiring, out: Output, note: Note, prepare: Prepare, *, separate: bool) -> None:
        self.source: Source | None = None
        self._wiring = wiring
        self._report = out.undelivered
        self._note = note
        self._prepare = prepare
        self._separate = separate
        out.deliver, out.report = self.deliver, self.error
        self._outlets: list[Outlet] = []
        self._open = False
        self._unread: deque[Payload] = deque()

    def open(self) -> None:
        """Open the sinks and the source, unless it still listens. Raises KuiperError."""
        self.shut(listen=True)
        listening, self._open = self._open, True
        if not listening:
            self.source = self._wiring.source()
            if hasattr(self.source, "prepare"):
                self.source.prepare = self._prepare
        self._outlets = self._wiring.outlets()
        for outlet in self._outlets:
            outlet.separate = self._separate
            outlet.sink.open()
        if self.source is not None:
            self.source.open()

    def shut(self, close: Closing = closed, *, listen: bool = False) -> None:
        """Close what is open; *listen* leaves a source that is pushed to as it is, so that nothing is missed."""
        outlets, self._outlets = self._outlets, []
        source = self.source if self._open else None
        pushed = hasattr(source, "backlog")
        if source is not None and pushed and not listen:  # it is never the user's: it closes at once
            source.close()
            while getattr(source, "backlog", 0) and (payload := source.poll()) is not None:
                self._unread.append(payload)
        self._open = self._open and pushed and listen
        close([None if pushed else source, *(outlet.sink for outlet in outlets)], self._note)

    def handed_over(self, out: Output) -> Ends:
        """Ends for the runs to come, which *out* delivers to; a step that nobody waits for keeps these, closed."""
        self.shut(close_aside)
        heir = Ends(self._wiring, out, self._note, self._prepare, separate=self._separate)
        heir._unread, self._unread = self._unread, deque()
        return heir

    # ---- in

    @property
    def input(self) -> Input:
        """How input comes: pushed from outside, bounded, or without an end that is known."""
        source = self.source or self._wiring.source()
        if hasattr(source, "backlog"):
            return "pushed"
        return "bounded" if getattr(source, "bounded", True) else "unbounded"

    @property
    def unread(self) -> int:
        """How many payloads wait that were pushed before the source was closed."""
        return len(self._unread)

    @property
    def backlog(self) -> int:
        """How many payloads wait to be read."""
        return len(self._unread) + int(getattr(self.source, "backlog", 0))

    def taken(self) -> tuple[list[Payload], bool]:
        """What is ready now. Whether the source has ended.

        One payload is enough for a step, unless more wait in the source (*backlog*), or it says that the next belongs
        to the same one (*more*). Raises KuiperError when the source failed; what was pushed before that is read again.
        """
        assert self.source is not None
        payloads: list[Payload] = []
        try:
            while len(payloads) < _MOST_PAYLOADS:
                payload = self._unread.popleft() if self._unread else self.source.poll()
                if payload is None:
                    break
                payloads.append(payload)
                if getattr(self.source, "backlog", None) is None and not getattr(self.source, "more", False):
                    break
        except EndOfStream:
            return payloads, True
        except KuiperError:
            if payloads and not hasattr(self.source, "backlog"):
                return payloads, False  # it fails on the same place again, at the next step
            self._unread.extend(payloads)
            raise
        return payloads, False

    def due(self) -> int | None:
        """When there is something to take (ms); None when only a push brings that about."""
        assert self.source is not None
        return self._wiring.clock.now() if self._unread else self.source.due()

    # ---- out

    @property
    def sinks(self) -> list[str]:
        """The names of the sinks."""
        return [outlet.name for outlet in self._outlets or self._wiring.outlets()]

    def deliver(self, emit: Emit, messages: Sequence[Message] | None) -> None:
        """Hand an emit to every sink."""
        for outlet in self._outlets:
            outlet.deliver(emit, messages, self._report)

    def error(self, error: RowError) -> None:
        """Hand an error to the sinks that want errors."""
        for outlet in self._outlets:
            outlet.error(error, self._report)

    def finish(self, now: int) -> None:
        """The input has ended (at *now*, ms): sinks send what they have gathered."""
        for outlet in self._outlets:
            outlet.finish(now, self._report)
