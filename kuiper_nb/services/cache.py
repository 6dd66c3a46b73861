"""Answers that serve again for a while. By the clock of the session, so that a replay asks as often as before."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from .spec import Cache

MISSING: Any = object()


class Answers:
    """The newest answers, each for `ttl` seconds; *now* is in ms. Used by any thread."""

    def __init__(self, spec: Cache, now: Callable[[], int]) -> None:
        self._spec = spec
        self._now = now
        self._held: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0

    def get(self, key: Hashable) -> Any:
        """The answer, or MISSING."""
        with self._lock:
            until, value = self._held.get(key, (0, MISSING))
            if value is MISSING:
                return MISSING
            if until <= self._now():
                del self._held[key]
                return MISSING
            self._held.move_to_end(key)
            self.hits += 1
            return value

    def put(self, key: Hashable, value: Any) -> None:
        """Keep an answer."""
        with self._lock:
            self._held[key] = self._now() + round(self._spec.ttl * 1000), value
            self._held.move_to_end(key)
            while len(self._held) > self._spec.size:
                self._held.popitem(last=False)
