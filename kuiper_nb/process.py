"""Settings of the whole process that are different while anyone needs them so, and as they were afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class ProcessSetting(Generic[T]):
    """A setting that *read* and *write* reach, and what it is to be, *wanted* of what it was before.

    Those who need it are counted, whichever threads they are in: the first changes it, the last puts it back.
    """

    def __init__(self, read: Callable[[], T], write: Callable[[T], None], wanted: Callable[[T], T]) -> None:
        self._read = read
        self._write = write
        self._wanted = wanted
        self._lock = threading.Lock()
        self._needed = 0
        self._before: T | None = None

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Inside, the setting is as wanted."""
        with self._lock:
            if self._needed == 0:
                self._before = self._read()
                self._write(self._wanted(self._before))
            self._needed += 1
        try:
            yield
        finally:
            with self._lock:
                self._needed -= 1
                if self._needed == 0 and self._before is not None:
                    self._write(self._before)
