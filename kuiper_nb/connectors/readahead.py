"""Input read ahead on a thread of its own, so that reading a file and computing on it overlap."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable

from ..contracts import EndOfStream, Payload, Source

_AHEAD = 4


class ReadAhead:
    """A source that is always ready (a file, a table) and delivers in order what *source* delivers.

    An error or the end comes after everything before it. *prepare*, if any, is called with each payload on the reading
    thread, too.
    """

    paced = False

    def __init__(self, source: Source) -> None:
        self._source = source
        self._queue: queue.Queue[Payload | BaseException] = queue.Queue(_AHEAD)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended: BaseException | None = None
        self.bounded = getattr(source, "bounded", True)
        self.prepare: Callable[[Payload], Payload] | None = None

    def open(self) -> None:
        """Open the source and begin to read."""
        self._source.open()
        self._stop.clear()
        self._thread = threading.Thread(target=self._read, name="read ahead", daemon=True)
        self._thread.start()

    def poll(self) -> Payload | None:
        """The next payload; waits for it to be read."""
        if self._ended is not None:
            raise self._ended
        item = self._queue.get()
        if isinstance(item, BaseException):
            self._ended = item
            raise item
        return item

    def due(self) -> int | None:
        """Now, since it is always ready."""
        return None if self._thread is None else self._source.due()

    def close(self) -> None:
        """Stop reading and close the source."""
        self._stop.set()
        while self._thread is not None and self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._queue.get(timeout=0.01)
        self._thread = None
        self._source.close()

    def _read(self) -> None:
        while not self._stop.is_set():
            item: Payload | BaseException | None
            try:
                payload = self._source.poll()
                item = payload if payload is None or self.prepare is None else self.prepare(payload)
            except EndOfStream as end:
                item = end
            except Exception as error:
                item = error
            if item is None:
                continue
            while not self._stop.is_set():
                try:
                    self._queue.put(item, timeout=0.05)
                    break
                except queue.Full:
                    continue
            if isinstance(item, BaseException):
                return
