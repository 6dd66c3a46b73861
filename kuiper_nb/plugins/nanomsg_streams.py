"""A started source or sink of an eKuiper plugin: its sockets, and the thread that reads them."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from ..contracts import Payload
from ..formats.json import dumps
from .lines import Lines
from .nanomsg_messages import END, TAKEN, Complaint, Garbled, acknowledged, received
from .nanomsg_sockets import Closed, Inbox, Outbox, Socket
from .peer import Control, Declined, Inlet

CREDITS = 1024
"""Payloads of a source that are read before the first of them has been taken: as many as eKuiper buffers."""


class Running:
    """What sources and sinks have in common. *dying*: whether the process is, so that nothing here is news."""

    def __init__(self, control: Control, lines: Lines, dying: Callable[[], bool]) -> None:
        self.control = control
        self.sockets: list[Socket] = []
        self.gone = threading.Event()
        """The plugin has let go of it."""
        self._lines = lines
        self._dying = dying
        self._stopping = False
        self._complaint: Complaint | None = None
        self._inbox: Inbox
        self._thread = threading.Thread(target=self._read, name=f"{control.kind} {control.run}", daemon=True)

    def attach(self, opened: Inbox | Outbox) -> None:
        """One of its sockets; an inbox is read at once."""
        self.sockets.append(opened)
        if isinstance(opened, Inbox):
            self._inbox = opened
            self._thread.start()

    def stopping(self) -> None:
        """What comes from now on is of no interest."""
        self._stopping = True

    def end(self) -> None:
        """Close everything; `join` waits for the thread."""
        self.stopping()
        for each in self.sockets:
            each.close()

    def settle(self) -> None:
        """Give what is under way a moment, before it is told to stop."""

    def join(self) -> None:
        """Wait for its thread, after `end`."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(2)

    def _read(self) -> None:
        raise NotImplementedError

    def _log(self, complaint: Complaint) -> None:
        place = f" ({complaint.where})" if complaint.where else ""
        self._lines.add("ERROR", f"{self.control.kind} {self.control.symbol}: {complaint.message}{place}")


class SourceRun(Running):
    """Hands what arrives to *inlet*, as fast as that is taken."""

    def __init__(self, *about: Any, inlet: Inlet) -> None:
        super().__init__(*about)
        self._inlet = inlet
        self._credits = threading.Semaphore(CREDITS)

    def taken(self, items: int) -> None:
        """So many payloads have been taken."""
        self._credits.release(items)

    def stopping(self) -> None:
        """Nothing is handed over any more."""
        super().stopping()
        self._credits.release()

    def let_go(self) -> None:
        """The plugin has hung up: what has arrived is read, and then it is over."""
        self.gone.set()
        self._inbox.close()

    def _read(self) -> None:
        with contextlib.suppress(Closed):
            while True:  # also while it is stopped: what is not read would keep it from hanging up
                self._take(self._inbox.receive(None))
        if self._stopping or self._dying():
            return
        if self._complaint is None:
            self._inlet.ended()
        else:
            self._inlet.failed(self._complaint.message, self._complaint.where)

    def _take(self, data: bytes) -> None:
        if data == END or self._stopping:
            return
        for item in received(data):
            self._credits.acquire()
            if self._stopping:
                return
            if isinstance(item, Complaint):
                self._complaint = item
                self._log(item)
                item = Payload([f"source {self.control.symbol}: {item.message}"])
            else:
                self._complaint = None
            self._inlet.rows(item)


class SinkRun(Running):
    """Hands items over, and reads what comes back, whether or not somebody waits for that.

    *confirms*: a redirected plugin says when `collect` has returned. Else, without requireAck, an item that was sent
    is all that is known of it.
    """

    def __init__(self, *about: Any, confirms: bool) -> None:
        super().__init__(*about)
        self._confirms = confirms
        self._required = str(self.control.config.get("requireAck", False)).lower() == "true"
        self._heard: queue.SimpleQueue[Complaint | bytes] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._answers = False  # whether the plugin has dialled the channel of acknowledgements
        self._written = 0.0
        self._refuses = False  # whether it has hung up where it is handed items
        self._outbox: Outbox

    def attach(self, opened: Inbox | Outbox) -> None:
        """As above; with the outbox it is complete. Raises Declined when it cannot do what is required."""
        super().attach(opened)
        if isinstance(opened, Outbox):
            self._outbox = opened
            if self._refuses:
                opened.close()
            self._answers = self._inbox.met.wait(_SOON if self._required or self._confirms else 0)
            if self._required and not self._answers:
                raise Declined(f"sink {self.control.symbol} acknowledges nothing, so requireAck cannot be true")

    def write(self, item: Any, seconds: float) -> None:
        """Hand over one item. Raises Declined when the sink does not take it, TimeoutError, and Closed."""
        data = bytes(item) if isinstance(item, (bytes, bytearray, memoryview)) else dumps(item).encode()
        with self._writing:
            deadline = time.monotonic() + seconds
            try:
                while not self._heard.empty():
                    self._next(deadline)
                self._outbox.send(data, deadline)
                self._written = time.monotonic()
                if self._required or (self._confirms and self._answers):
                    self._await(deadline)
            except Closed:
                if self._dying():
                    raise
                raise self.over() from None

    def settle(self) -> None:
        """A sink that cannot say that it has what it was sent gets a moment for it; when it stops, the rest is lost."""
        if not self._answers:
            self.gone.wait(max(self._written + _A_MOMENT - time.monotonic(), 0))

    def takes_no_more(self) -> None:
        """The plugin has hung up where it was handed items."""
        self._refuses = True
        for each in self.sockets:
            if isinstance(each, Outbox):
                each.close()
        if not self._inbox.met.is_set():
            self.says_no_more()

    def says_no_more(self) -> None:
        """The plugin has hung up where it acknowledged them; what has arrived is read."""
        self._refuses = True
        for each in self.sockets:
            each.close()
        self.gone.set()

    def _await(self, deadline: float) -> None:
        while True:
            heard = self._next(deadline)
            if isinstance(heard, Complaint):
                if self._required:
                    raise Declined(heard.message, heard.where)
            elif heard == (_ACKNOWLEDGED if self._required else TAKEN):
                return

    def _next(self, deadline: float) -> Complaint | bytes:
        """What the plugin says next; that it has hung up, it says to everyone who asks from then on."""
        try:
            heard = self._heard.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            raise TimeoutError from None
        if heard == _HUNG_UP:
            self._heard.put(_HUNG_UP)
            raise Closed
        return heard

    def over(self, otherwise: str = "it has ended by itself") -> Declined:
        """Why it takes nothing more; what it said last may have to be read first."""
        self._thread.join(1)
        why = self._complaint or Complaint(otherwise)
        return Declined(why.message, why.where)

    def _read(self) -> None:
        with contextlib.suppress(Closed):
            while True:
                self._hear(self._inbox.receive(None))
        self._heard.put(_HUNG_UP)

    def _hear(self, data: bytes) -> None:
        if data == TAKEN:
            self._heard.put(TAKEN)
            return
        try:
            complaint = acknowledged(data)
        except Garbled as error:
            complaint = Complaint(str(error))
        if complaint is not None:
            self._complaint = complaint
            if not self._required:
                self._log(complaint)
        self._heard.put(complaint or _ACKNOWLEDGED)


_SOON = 1.0
"""Seconds in which a sink that has started has dialled its second channel."""

_A_MOMENT = 0.2
"""Seconds for what is under way to a sink that acknowledges nothing."""

_ACKNOWLEDGED = b"{}"
_HUNG_UP = b"!"
